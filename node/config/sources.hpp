// What each source of configuration gave: matched to the rows of the table, not yet converted or checked.
//
// Pure functions over values; reading the process environment and the file is separate, so that tests need
// neither.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "node/config/option.hpp"

namespace weft {

/// A configuration file's name, for messages, and its contents.
struct config_text {
  std::string name;
  std::string text;
};

using variable = std::pair<std::string, std::string>;

struct flag_values {
  /// As in `flag_name`.
  std::string flag;
  std::vector<std::string> texts;
};

struct given_value {
  const option* row;
  std::vector<std::string> texts;
  /// "flag --listen"
  std::string origin;
  /// What begins a message about it.
  std::string where;
};

/// Values that could be matched to a row, and a complaint for each thing that could not.
struct given {
  std::vector<given_value> values;
  std::vector<std::string> errors;
};

/// JSON with comments; sections are nested objects.
given values_of_file(const config_text& file, std::span<const option> table);
/// Variables whose name does not begin with "WEFT_" are left alone.
given values_of_environment(std::span<const variable> environment, std::span<const option> table);
given values_of_flags(std::span<const flag_values> flags, std::span<const option> table);

/// The process environment's WEFT_ variables.
std::vector<variable> weft_environment();
std::expected<config_text, std::string> read_config_file(const std::string& path);

}  // namespace weft
