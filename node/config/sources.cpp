#include "node/config/sources.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

#include "node/config/nearest.hpp"
#include "node/config/table.hpp"
#include "node/process/file_text.hpp"

namespace weft {
namespace {

constexpr std::string_view variable_prefix = "WEFT_";
/// Which program the test kits of the clients start. Whoever exports it for them is not told to take it back
/// when they start a node by hand: it is no setting of one, and none that was misspelt.
constexpr std::string_view program_variable = "WEFT_BIN";

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    std::string_view item = text.substr(0, comma);
    const std::size_t first = std::min(item.find_first_not_of(' '), item.size());
    item = item.substr(first, item.find_last_not_of(' ') + 1 - first);
    items.emplace_back(item);
    text = comma == text.npos ? std::string_view{} : text.substr(comma + 1);
  }
  return items;
}

std::string unknown_variable(const std::string& name, std::span<const option> table) {
  std::vector<std::string> known{std::string{config_file_variable}};
  for (const option& row : table) known.push_back(variable_name(row));
  std::string message = fmt::format("environment variable {}: unknown{}", name,
                                    suggestion(name, known, "; `weft node --print-reference` lists them"));
  // Kubernetes describes a Service named "weft" to every container in this way.
  if (name.starts_with("WEFT_SERVICE_") || name.starts_with("WEFT_PORT"))
    message += " (if Kubernetes set it, set enableServiceLinks: false in the pod)";
  if (name == "WEFT_TOKEN")
    message += " (the packages in clients/ read it; a node takes its tokens from files)";
  return message;
}

std::string unknown_flag(const std::string& origin, const std::string& flag, std::span<const option> table) {
  // Other programs have it, and everybody on the machine can read what they are given.
  if (flag == "--token") {
    return origin +
           ": unknown; a node reads tokens from files, which the list of processes does not show: "
           "--peer-token-file FILE for what it presents to its peers, --auth-tokens-file FILE for those that "
           "it accepts";
  }
  std::vector<std::string> known{"--config", "--print-config", "--check-config", "--print-reference",
                                 "--help"};
  for (const option& each : table) known.push_back(flag_name(each));
  return fmt::format("{}: unknown{}", origin, suggestion(flag, known, "; `weft node --help` lists them"));
}

}  // namespace

given values_of_environment(std::span<const variable> environment, std::span<const option> table) {
  given result;
  for (const auto& [name, text] : environment) {
    if (!name.starts_with(variable_prefix) || name == config_file_variable || name == program_variable)
      continue;
    const auto row = std::ranges::find(table, name, variable_name);
    if (row == table.end()) {
      result.errors.push_back(unknown_variable(name, table));
      continue;
    }
    const std::string origin = fmt::format("environment variable {}", name);
    auto texts = is_list(*row) ? split_list(text) : std::vector<std::string>{text};
    result.values.push_back({&*row, std::move(texts), origin, origin});
  }
  return result;
}

given values_of_flags(std::span<const flag_values> flags, std::span<const option> table) {
  given result;
  for (const auto& [flag, texts] : flags) {
    const auto row = std::ranges::find(table, flag, flag_name);
    const std::string origin = fmt::format("flag {}", flag);
    if (row != table.end()) {
      result.values.push_back({&*row, texts, origin, origin});
      continue;
    }
    result.errors.push_back(unknown_flag(origin, flag, table));
  }
  return result;
}

std::vector<variable> weft_environment() {
  std::vector<variable> variables;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view text{*entry};
    const std::size_t equals = text.find('=');
    if (text.starts_with(variable_prefix) && equals != text.npos)
      variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  std::ranges::sort(variables);
  return variables;
}

std::expected<config_text, std::string> read_config_file(const std::string& path) {
  auto text = read_file(path);
  if (!text) {
    return std::unexpected(
        fmt::format("configuration file \"{}\" cannot be read: {}; name a JSON file", path, text.error()));
  }
  return config_text{path, *std::move(text)};
}

}  // namespace weft
