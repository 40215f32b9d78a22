#include "node/tools/arguments.hpp"

#include <fmt/format.h>

#include "node/config/address.hpp"
#include "proto/units.hpp"

namespace weft::tools {

CLI::Option* add_address(CLI::App& command, const std::string& name, host_port& target,
                         const std::string& help) {
  auto read = [name, &target](const std::string& text) {
    auto address = parse_host_port(text);
    if (!address) throw CLI::ValidationError(name, address.error());
    if (address->port == 0) throw CLI::ValidationError(name, text + ": the port is a number from 1 to 65535");
    target = std::move(*address);
  };
  return command.add_option_function<std::string>(name, read, help)->required()->type_name("HOST:PORT");
}

CLI::Option* add_duration(CLI::App& command, const std::string& name, std::chrono::nanoseconds& target,
                          std::chrono::nanoseconds least, const std::string& help) {
  auto read = [name, &target, least](const std::string& text) {
    auto duration = proto::parse_duration(text);
    if (!duration) throw CLI::ValidationError(name, duration.error());
    if (*duration < least) {
      throw CLI::ValidationError(
          name, fmt::format("{} is too short; the least is {}", text, proto::format_duration(least)));
    }
    target = *duration;
  };
  return command.add_option_function<std::string>(name, read, help)
      ->type_name("DURATION")
      ->default_str(proto::format_duration(target));
}

}  // namespace weft::tools
