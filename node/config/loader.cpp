#include "node/config/loader.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace weft {
namespace {

using nlohmann::json;

/// The source of a value that nobody gave.
constexpr std::string_view no_origin = "default";

class loading {
 public:
  explicit loading(std::span<const option> table) : table_{table} {
    config.origins.assign(table.size(), std::string(no_origin));
  }

  void apply(given source) {
    std::ranges::move(source.errors, std::back_inserter(errors));
    for (given_value& value : source.values) {
      if (auto done = assign(*value.row, config.options, value.texts); !done)
        errors.push_back(fmt::format("{}: {}", value.where, done.error()));
      else
        config.origins[index_of(*value.row)] = std::move(value.origin);
    }
  }

  /// "limits.frame_bytes \"1MiB\" (default)"
  std::string describe(std::string_view key) const {
    const auto row = std::ranges::find(table_, key, &option::key);
    return fmt::format("{} {} ({})", key, value_of(*row, config.options).dump(),
                       config.origins[index_of(*row)]);
  }

  bool is_given(std::string_view key) const {
    return config.origins[index_of(*std::ranges::find(table_, key, &option::key))] != no_origin;
  }

  loaded_config config;
  std::vector<std::string> errors;

 private:
  std::size_t index_of(const option& row) const { return static_cast<std::size_t>(&row - table_.data()); }

  std::span<const option> table_;
};

json shown(const option& row, const program_options& options) {
  return row.secret ? json("<redacted>") : value_of(row, options);
}

/// "limits.frame_bytes" → {"limits", "frame_bytes"}; the section is empty for a key of the top level.
std::pair<std::string_view, std::string_view> split_key(std::string_view key) {
  const std::size_t dot = key.find('.');
  if (dot == key.npos) return {{}, key};
  return {key.substr(0, dot), key.substr(dot + 1)};
}

}  // namespace

std::expected<loaded_config, std::vector<std::string>> load_config(const config_sources& sources,
                                                                   std::span<const option> table) {
  loading load{table};
  if (sources.file) load.apply(values_of_file(*sources.file, table));
  load.apply(values_of_environment(sources.environment, table));
  load.apply(values_of_flags(sources.flags, table));
  if (table.data() == option_table().data()) {
    std::ranges::move(check_together(
                          load.config.options, [&](std::string_view key) { return load.describe(key); },
                          [&](std::string_view key) { return load.is_given(key); }),
                      std::back_inserter(load.errors));
  }
  if (!load.errors.empty()) return std::unexpected(std::move(load.errors));
  return std::move(load.config);
}

std::string print_config(const loaded_config& config, std::span<const option> table) {
  std::string out = "{\n";
  std::string_view open_section;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const auto [section, name] = split_key(table[i].key);
    const bool last = i + 1 == table.size();
    const bool section_ends = last || split_key(table[i + 1].key).first != section;
    if (section != open_section) out += fmt::format("  \"{}\": {{\n", section);
    open_section = section;
    out += fmt::format("{}{}: {}{}  // {}\n", section.empty() ? "  " : "    ", json(name).dump(),
                       shown(table[i], config.options).dump(),
                       last || (section_ends && !section.empty()) ? "" : ",", config.origins[i]);
    if (section_ends && !section.empty()) out += last ? "  }\n" : "  },\n";
  }
  return out + "}\n";
}

nlohmann::json config_json(const loaded_config& config, std::span<const option> table) {
  json values = json::object();
  json origins = json::object();
  for (std::size_t i = 0; i < table.size(); ++i) {
    const auto [section, name] = split_key(table[i].key);
    json& parent = section.empty() ? values : values[std::string{section}];
    parent[std::string{name}] = shown(table[i], config.options);
    origins[std::string{table[i].key}] = config.origins[i];
  }
  return {{"values", std::move(values)}, {"origins", std::move(origins)}};
}

}  // namespace weft
