// The options of `weft node`, one row each, in the order of the reference page. Their rows are in
// node/config/sections/, a file for each subject.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "node/config/option.hpp"

namespace weft {

std::span<const option> option_table();

/// The variable that names the configuration file, as `--config` does.
inline constexpr std::string_view config_file_variable = "WEFT_CONFIG";

/// What holds between options, beyond each one's own range. `describe` turns a key into words that tell its
/// value and where that came from, `is_given` says whether that is not its default. Returns one complaint per
/// broken rule.
std::vector<std::string> check_together(const program_options& options,
                                        const std::function<std::string(std::string_view key)>& describe,
                                        const std::function<bool(std::string_view key)>& is_given);

}  // namespace weft
