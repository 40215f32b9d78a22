#include "node/config/flags.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace weft {
namespace {

const CLI::callback_t keep_as_given = [](const CLI::results_t&) { return true; };

void add_flag(CLI::App& app, const option& row, const program_options& defaults) {
  const std::string help = fmt::format("{} ({}; default {}; environment {})", row.help, range_text(row),
                                       value_of(row, defaults).dump(), variable_name(row));
  if (row.type == option_type::boolean) {
    app.add_flag(flag_name(row), help);
    return;
  }
  app.add_option(flag_name(row), keep_as_given, help)
      ->type_name(std::string{placeholder(row)})
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

/// Unknown flags, and the arguments that neither are flags nor follow one, whose value they may be.
struct leftovers {
  std::vector<std::string> flags;
  std::vector<std::string> strays;
};

leftovers sort_leftovers(const CLI::App& app) {
  leftovers result;
  bool after_flag = false;
  for (const std::string& argument : app.remaining()) {
    const bool is_flag = argument.starts_with('-') && argument.size() > 1;
    if (is_flag)
      result.flags.push_back(argument.substr(0, argument.find('=')));
    else if (!after_flag)
      result.strays.push_back(argument);
    after_flag = is_flag;
  }
  return result;
}

}  // namespace

void add_config_flags(CLI::App& app) {
  app.add_option(
         "--config", keep_as_given,
         fmt::format("Configuration file: JSON, comments allowed. Environment: {}", config_file_variable))
      ->type_name("FILE");
  const program_options defaults;
  for (const option& row : option_table()) add_flag(app, row, defaults);
  app.allow_extras();
}

std::vector<flag_values> flags_given(const CLI::App& app) {
  std::vector<flag_values> given;
  for (const option& row : option_table()) {
    const CLI::Option* flag = app.get_option(flag_name(row));
    if (flag->count() > 0) given.push_back({flag_name(row), flag->results()});
  }
  for (std::string& unknown : sort_leftovers(app).flags) given.push_back({std::move(unknown), {}});
  return given;
}

std::string config_file_given(const CLI::App& app, std::span<const variable> environment) {
  if (const CLI::Option* flag = app.get_option("--config"); flag->count() > 0) return flag->results().back();
  const auto named = std::ranges::find(environment, config_file_variable, &variable::first);
  return named == environment.end() ? std::string{} : named->second;
}

std::vector<std::string> stray_arguments(const CLI::App& app) {
  return sort_leftovers(app).strays;
}

}  // namespace weft
