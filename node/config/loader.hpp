// The effective configuration: flags over environment variables over the file over the defaults.
//
// Every value of every source is checked, also one that another source overrides, and all complaints are
// returned together; each names where the value came from, what was wrong and what would be right.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "node/config/option.hpp"
#include "node/config/sources.hpp"
#include "node/config/table.hpp"

namespace weft {

struct config_sources {
  std::optional<config_text> file;
  std::vector<variable> environment;
  std::vector<flag_values> flags;
};

struct loaded_config {
  program_options options;
  /// Where each row's value came from, in the order of the table: "default", "file …", "environment variable
  /// …", "flag …".
  std::vector<std::string> origins;
};

std::expected<loaded_config, std::vector<std::string>> load_config(
    const config_sources& sources, std::span<const option> table = option_table());

/// A configuration file with every effective value, each with its origin in a comment; fed back as a file it
/// gives the same configuration. Secrets are redacted.
std::string print_config(const loaded_config& config, std::span<const option> table = option_table());

/// The same as a JSON value: {"values": {…}, "origins": {"key": "origin", …}}.
nlohmann::json config_json(const loaded_config& config, std::span<const option> table = option_table());

}  // namespace weft
