#include "node/commands/arguments.hpp"

#include <fmt/format.h>

#include "actors/transport/address.hpp"
#include "node/config/units.hpp"

namespace weft::tools {

namespace {

/// The complaint about a value, empty when it is right.
std::string check_address(const std::string& text) {
  auto address = parse_host_port(text);
  if (!address) return address.error();
  return address->port == 0 ? text + ": the port is a number from 1 to 65535" : "";
}

std::string check_duration(const std::string& text, std::chrono::nanoseconds least) {
  auto duration = parse_duration(text);
  if (!duration) return duration.error();
  if (*duration >= least) return {};
  return fmt::format("{} is too short; the least is {}", text, format_duration(least));
}

}  // namespace

CLI::Option* add_address(CLI::App& command, const std::string& name, host_port& target,
                         const std::string& help) {
  auto assign = [&target](const std::string& text) { target = parse_host_port(text).value_or(target); };
  return command.add_option_function<std::string>(name, assign, help)
      ->required()
      ->check(check_address, "")
      ->type_name("HOST:PORT");
}

CLI::Option* add_duration(CLI::App& command, const std::string& name, std::chrono::nanoseconds& target,
                          std::chrono::nanoseconds least, const std::string& help) {
  auto assign = [&target](const std::string& text) { target = parse_duration(text).value_or(target); };
  return command.add_option_function<std::string>(name, assign, help)
      ->check([least](const std::string& text) { return check_duration(text, least); }, "")
      ->type_name("DURATION")
      ->default_str(format_duration(target));
}

}  // namespace weft::tools
