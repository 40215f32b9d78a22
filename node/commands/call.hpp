// `weft call`: one call, notification or stream from the command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

#include "actors/config/options.hpp"
#include "node/client/client.hpp"

namespace weft {

/// Registers the subcommand; running it leaves the exit code in `exit_code`, which must outlive the parsing.
void add_call_command(CLI::App& app, int& exit_code);

namespace tools {

inline constexpr std::int64_t max_credit = 1'000'000;

struct call_options {
  host_port address;
  std::string method;
  /// JSON, `@FILE` or `-` for standard input.
  std::optional<std::string> params;
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);
  /// Without it a stream has no time limit, only the way to it.
  bool timeout_given = false;
  bool notify = false;
  bool stream = false;
  /// Items of a stream that may be on their way.
  std::int64_t credit = 64;
  /// JSON: the cursor behind which a stream begins.
  std::optional<std::string> after;
  /// Whether the method can go on there is not known: its first item tells.
  bool doubtful_after = false;
  /// Where a method is not found, ask for those that there are and name the nearest: for somebody who reads
  /// along. A program gets the error as it came, and no second call is made.
  bool suggest = false;
  /// Holds the token to present; empty for none.
  std::string token_file;
  tls_options tls{};
};

/// The JSON that the PARAMS argument stands for, checked: an array or an object. The error is a sentence.
std::expected<std::string, std::string> read_params(const std::string& argument, std::istream& input);

/// Makes the call. The result goes to `output`, an error answer or a failure's sentence to `errors`.
/// 0: result; 1: error answer, or `output` did not take the result; 2: no connection or no answer in time;
/// 64: wrong params, token file or PEM file, or a cursor for a method that goes on behind none.
int run_call(call_options options, std::istream& input, std::ostream& output, std::ostream& errors);

/// The same for a stream, whose items go to the descriptor `output` as lines; further results are those of
/// `print_stream`.
int run_stream(call_options options, std::istream& input, int output, std::ostream& errors);

/// Tells on `errors` why no answer came. The result is the exit code.
int report_failure(const call_options& options, const client_error& error, std::ostream& errors);

/// Behind an error answer: names the method that may have been meant, if that is what was wrong and
/// `options.suggest` says so.
void suggest_method(const call_options& options, client& connection, std::string_view raw_error,
                    std::ostream& errors);

}  // namespace tools
}  // namespace weft
