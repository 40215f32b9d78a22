// `weft call`: one call (or notification) from the command line.
#pragma once

#include <chrono>
#include <expected>
#include <iosfwd>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "actors/config/options.hpp"

namespace weft {

/// Registers the subcommand; running it leaves the exit code in `exit_code`, which must outlive the parsing.
void add_call_command(CLI::App& app, int& exit_code);

namespace tools {

struct call_options {
  host_port address;
  std::string method;
  /// JSON, `@FILE` or `-` for standard input.
  std::optional<std::string> params;
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);
  bool notify = false;
  /// Holds the token to present; empty for none.
  std::string token_file;
};

/// The JSON that the PARAMS argument stands for, checked: an array or an object. The error is a sentence.
std::expected<std::string, std::string> read_params(const std::string& argument, std::istream& input);

/// Makes the call. The result goes to `output`, an error answer or a failure's sentence to `errors`.
/// 0: result; 1: error answer; 2: no connection or no answer in time; 64: wrong params or token file.
int run_call(const call_options& options, std::istream& input, std::ostream& output, std::ostream& errors);

}  // namespace tools
}  // namespace weft
