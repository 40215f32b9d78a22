#include "node/commands/arguments.hpp"

#include <fmt/format.h>

#include "actors/transport/address.hpp"
#include "node/config/units.hpp"

namespace weft::tools {

namespace {

/// The complaint about a value, empty when it is right.
std::string check_node_address(const std::string& text) {
  auto address = parse_node_address(text);
  return address ? "" : address.error();
}

std::string check_address(const std::string& text) {
  if (text.contains("://")) return text + ": write HOST:PORT; this command speaks plain TCP only";
  return check_node_address(text);
}

std::string check_duration(const std::string& text, std::chrono::nanoseconds least) {
  auto duration = parse_duration(text);
  if (!duration) return duration.error();
  if (*duration >= least) return {};
  return fmt::format("{} is too short; the least is {}", text, format_duration(least));
}

}  // namespace

std::expected<node_address, std::string> parse_node_address(std::string_view text) {
  const auto mark = text.find("://");
  const auto scheme = mark == text.npos ? "tcp" : text.substr(0, mark);
  if (scheme != "tcp" && scheme != "tls") {
    return std::unexpected(
        fmt::format("\"{}\": {}:// is nothing to dial; write HOST:PORT or tls://HOST:PORT", text, scheme));
  }
  auto address = parse_host_port(mark == text.npos ? text : text.substr(mark + 3));
  if (!address) return std::unexpected(std::move(address.error()));
  if (address->port == 0)
    return std::unexpected(fmt::format("{}: the port is a number from 1 to 65535", text));
  return node_address{*std::move(address), scheme == "tls"};
}

CLI::Option* add_node_address(CLI::App& command, const std::string& name, host_port& target, tls_options& tls,
                              const std::string& help) {
  auto assign = [&target, &tls](const std::string& text) {
    if (auto read = parse_node_address(text)) {
      target = std::move(read->address);
      tls.on = read->tls;
    }
  };
  CLI::Option* option = command.add_option_function<std::string>(name, assign, help)
                            ->required()
                            ->check(check_node_address, "")
                            ->type_name("[tls://]HOST:PORT");
  add_tls_options(command, tls);
  return option;
}

void add_tls_options(CLI::App& command, tls_options& tls) {
  command
      .add_option("--ca", tls.authorities,
                  "With tls://: trust the certificate authorities in this PEM file, not those of the system")
      ->type_name("FILE");
  CLI::Option* certificate = command.add_option(
      "--cert", tls.certificate, "With tls://: present the certificate in this PEM file, with its chain");
  certificate->type_name("FILE");
  command.add_option("--key", tls.key, "Its private key; without it, the key is in the certificate's file")
      ->needs(certificate)
      ->type_name("FILE");
  command
      .add_option("--server-name", tls.server_name,
                  "With tls://: the name that the node's certificate must have, instead of HOST")
      ->type_name("NAME");
}

void check_tls_options(const tls_options& tls) {
  if (tls.on) return;
  const auto refuse = [](const char* name, const std::string& value) {
    if (!value.empty()) throw CLI::ValidationError(name, "is for an address of TLS; write tls://HOST:PORT");
  };
  refuse("--ca", tls.authorities);
  refuse("--cert", tls.certificate);
  refuse("--key", tls.key);
  refuse("--server-name", tls.server_name);
}

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
