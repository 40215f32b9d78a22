// Command-line values of the tools that CLI11 does not know: addresses, with the options of TLS, and
// durations. A wrong one is refused while the command line is parsed, as wrong usage.
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

#include "actors/config/options.hpp"
#include "node/client/tls_link.hpp"

namespace weft::tools {

/// A required positional `HOST:PORT`. `target` must outlive the parsing.
CLI::Option* add_address(CLI::App& command, const std::string& name, host_port& target,
                         const std::string& help);

struct node_address {
  host_port address;
  bool tls = false;
};

/// `HOST:PORT`, `tcp://HOST:PORT` or `tls://HOST:PORT`, with a port that can be dialled.
std::expected<node_address, std::string> parse_node_address(std::string_view text);

/// A required positional of that form. `target` and `tls` must outlive the parsing.
CLI::Option* add_node_address(CLI::App& command, const std::string& name, host_port& target, tls_options& tls,
                              const std::string& help);

/// --ca, --cert, --key and --server-name. `tls` must outlive the parsing.
void add_tls_options(CLI::App& command, tls_options& tls);

/// Throws wrong usage if one of them was given although the address is none of TLS.
void check_tls_options(const tls_options& tls);

/// A duration with a unit, such as `500ms`, not below `least`; the present value of `target` is the default.
CLI::Option* add_duration(CLI::App& command, const std::string& name, std::chrono::nanoseconds& target,
                          std::chrono::nanoseconds least, const std::string& help);

}  // namespace weft::tools
