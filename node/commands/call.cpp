#include "node/commands/call.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include <fmt/format.h>
#include <unistd.h>

#include "node/client/discovery.hpp"
#include "node/client/exchange.hpp"
#include "node/client/stream_request.hpp"
#include "node/commands/arguments.hpp"
#include "node/commands/call_stream.hpp"
#include "node/config/nearest.hpp"
#include "node/config/units.hpp"
#include "node/logging/printable.hpp"
#include "node/process/exit_code.hpp"
#include "node/process/file_text.hpp"
#include "proto/envelope.hpp"
#include "proto/error.hpp"
#include "proto/message.hpp"
#include "proto/stream.hpp"

namespace weft::tools {

namespace {

std::expected<std::string, std::string> read_source(const std::string& argument, std::istream& input) {
  if (argument == "-") return std::string(std::istreambuf_iterator<char>(input), {});
  if (!argument.starts_with('@')) return argument;
  const std::string path = argument.substr(1);
  // Reading one throws.
  const bool is_folder = std::filesystem::is_directory(path);
  std::ifstream file(path, std::ios::binary);
  if (is_folder || !file.is_open()) {
    return std::unexpected(
        fmt::format("cannot read PARAMS from '{}': {}", path, error_text(is_folder ? EISDIR : errno)));
  }
  std::string content(std::istreambuf_iterator<char>(file), {});
  if (file.bad())
    return std::unexpected(fmt::format("cannot read PARAMS from '{}': {}", path, error_text(errno)));
  return content;
}

/// A stream has no time limit unless one is given.
constexpr auto unlimited = steady_clock::time_point::max();

/// Rounded up, so that the caller's own time-out comes before the node's answer to it and the exit code does
/// not depend on which of the two was faster.
std::int64_t deadline_ms(steady_clock::time_point until) {
  return std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
}

std::string render(const call_options& options, std::string_view params, steady_clock::time_point until) {
  std::string message;
  proto::request_members members;
  if (!options.notify && until != unlimited) members.deadline_ms = deadline_ms(until);
  std::string stream;
  if (options.stream) stream = proto::stream_member(options.credit, -1, options.after.value_or(""));
  append_stream_request(message, options.notify ? std::string_view() : exchange_id, options.method, params,
                        stream, members);
  return message;
}

int print_error_answer(const answer& reply, std::ostream& errors) {
  errors << printable_json(reply.raw) << '\n' << std::flush;
  return exit_failed;
}

int print_answer(const answer& reply, std::ostream& output, std::ostream& errors) {
  if (!reply.ok) return print_error_answer(reply, errors);
  output << printable_json(reply.raw) << '\n' << std::flush;
  if (output) return exit_ok;
  // Not the code of a connection that failed: whoever tries again on that would run the method twice.
  errors << "the call succeeded, but its result could not be written to standard output\n";
  return exit_failed;
}

int wrong_usage(const std::string& error, std::ostream& errors) {
  errors << printable(error) << '\n';
  return exit_usage;
}

}  // namespace

std::expected<std::string, std::string> read_params(const std::string& argument, std::istream& input) {
  auto text = read_source(argument, input);
  if (!text) return text;
  constexpr std::string_view right =
      "pass an array or an object, for example '{\"ms\": 10}', @FILE or - for standard input";
  auto scanned = proto::validate(*text, proto::depth_limit);
  if (scanned.kind == proto::scan_kind::rejected) {
    return std::unexpected(fmt::format("PARAMS is not JSON: {} at byte {}; {}", proto::to_string(scanned.why),
                                       scanned.offset, right));
  }
  std::size_t first = text->find_first_not_of(" \t\r\n");
  std::size_t last = text->find_last_not_of(" \t\r\n");
  if ((*text)[first] != '{' && (*text)[first] != '[') {
    return std::unexpected(fmt::format("PARAMS is JSON, but neither array nor object; {}", right));
  }
  return text->substr(first, last - first + 1);
}

int report_failure(const call_options& options, const client_error& error, std::ostream& errors) {
  if (error.what == client_error::kind::timed_out) {
    errors << fmt::format(
        "no answer from {} to '{}' within {}: the method may still be running; check the node's health "
        "or raise --timeout\n",
        format_node_address(options.address, options.tls.on), printable(options.method),
        format_duration(options.timeout));
  } else if (error.what == client_error::kind::foreign) {
    errors << fmt::format("no answer from {} to '{}': {}\n",
                          format_node_address(options.address, options.tls.on), printable(options.method),
                          error.message);
  } else {
    errors << fmt::format("no answer from {} to '{}': {}; check the node's log\n",
                          format_node_address(options.address, options.tls.on), printable(options.method),
                          printable(error.message));
  }
  return exit_unreachable;
}

void suggest_method(const call_options& options, client& connection, std::string_view raw_error,
                    std::ostream& errors) {
  if (!options.suggest ||
      proto::parse_error_object(raw_error).code != static_cast<std::int32_t>(error_code::method_not_found)) {
    return;
  }
  const auto known = discover(connection, steady_clock::now() + options.timeout);
  // Where it is there, a method that it calls was not found.
  if (!known || !*known || (*known)->find(options.method) != nullptr) return;
  if (const auto near = near_name(options.method, (*known)->names()); !near.empty())
    errors << fmt::format("the nearest known method is {}\n", printable(near)) << std::flush;
}

namespace {

/// A method that cannot go on behind the cursor would begin anew, and its first items be taken for new ones.
/// The error is the exit code of what has been told already.
std::expected<void, int> check_cursor(call_options& options, client& connection,
                                      steady_clock::time_point until, std::ostream& errors) {
  const auto known = discover(connection, until);
  if (!known) return std::unexpected(report_failure(options, known.error(), errors));
  const auto* const method = *known ? (*known)->find(options.method) : nullptr;
  options.doubtful_after = method == nullptr;
  if (method == nullptr || is_resumable(*method)) return {};
  errors << fmt::format("--after: '{}' is not resumable, it would begin anew; leave --after out for that\n",
                        printable(options.method));
  return std::unexpected(exit_usage);
}

/// What a call needs before its request can be sent.
struct prepared_call {
  client connection;
  std::string request;
  steady_clock::time_point until;
};

/// The cursor, without the space around it.
std::expected<std::string, std::string> read_cursor(const std::string& text) {
  if (auto scanned = proto::validate(text, proto::depth_limit); scanned.kind == proto::scan_kind::rejected) {
    return std::unexpected(fmt::format(
        "--after is not JSON: {} at byte {}; pass the cursor as the item had it, for example 41 or "
        "'\"k\"'",
        proto::to_string(scanned.why), scanned.offset));
  }
  const auto first = text.find_first_not_of(" \t\r\n");
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// Everything up to the request. The error is the exit code of what has been told already.
std::expected<prepared_call, int> prepare(call_options& options, std::istream& input, std::ostream& errors) {
  std::string params;
  std::string token;
  if (options.params) {
    auto read = read_params(*options.params, input);
    if (!read) return std::unexpected(wrong_usage(read.error(), errors));
    params = std::move(*read);
  }
  if (options.after) {
    auto read = read_cursor(*options.after);
    if (!read) return std::unexpected(wrong_usage(read.error(), errors));
    options.after = std::move(*read);
  }
  if (!options.token_file.empty()) {
    auto read = read_token_file(options.token_file);
    if (!read) return std::unexpected(wrong_usage(read.error(), errors));
    token = std::move(*read);
  }
  const auto link = read_tls_options(options.tls);
  if (!link) return std::unexpected(wrong_usage(link.error(), errors));
  auto until = steady_clock::now() + options.timeout;
  auto connection = client::connect(options.address, until, *link);
  if (!connection) {
    errors << printable(connection.error()) << '\n';
    return std::unexpected(exit_unreachable);
  }
  if (!token.empty()) {
    auto admitted = exchange(*connection, connect_request(token), until);
    if (!admitted) return std::unexpected(report_failure(options, admitted.error(), errors));
    if (!admitted->ok) return std::unexpected(print_error_answer(*admitted, errors));
  }
  if (options.after) {
    if (auto fits = check_cursor(options, *connection, until, errors); !fits)
      return std::unexpected(fits.error());
  }
  if (options.stream && !options.timeout_given) until = unlimited;
  auto request = render(options, params, until);
  return prepared_call{std::move(*connection), std::move(request), until};
}

/// How long a notification over TLS waits for the node to close the connection.
constexpr auto end_timeout = std::chrono::seconds(1);

/// A node may refuse the certificate after the notification was sent; and closing the socket before its
/// tickets have come would cut it short.
int await_refusal(const call_options& options, prepared_call& call, std::ostream& errors) {
  const auto ended = call.connection.await_end(std::min(call.until, steady_clock::now() + end_timeout));
  if (ended || ended.error().what == client_error::kind::timed_out) return exit_ok;
  return report_failure(options, ended.error(), errors);
}

}  // namespace

int run_call(call_options options, std::istream& input, std::ostream& output, std::ostream& errors) {
  auto call = prepare(options, input, errors);
  if (!call) return call.error();
  if (options.notify) {
    if (auto sent = call->connection.send(call->request, call->until); !sent)
      return report_failure(options, sent.error(), errors);
    call->connection.finish_sending();
    return options.tls.on ? await_refusal(options, *call, errors) : exit_ok;
  }
  auto reply = exchange(call->connection, call->request, call->until);
  if (!reply) return report_failure(options, reply.error(), errors);
  const int code = print_answer(*reply, output, errors);
  if (!reply->ok) suggest_method(options, call->connection, reply->raw, errors);
  return code;
}

int run_stream(call_options options, std::istream& input, int output, std::ostream& errors) {
  auto call = prepare(options, input, errors);
  if (!call) return call.error();
  return print_stream(options, call->connection, call->request, call->until, output, errors);
}

}  // namespace weft::tools

namespace weft {

void add_call_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<tools::call_options>();
  CLI::App* command = app.add_subcommand("call", "Call a method of a node and print its result");
  tools::add_node_address(*command, "ADDRESS", options->address, options->tls, "The node's data port");
  command->add_option("METHOD", options->method, "The method's name")
      ->required()
      ->check([](const std::string& name) { return name.empty() ? "METHOD must not be empty" : ""; }, "");
  command->add_option("PARAMS", options->params, "JSON array or object, @FILE, or - for standard input");
  CLI::Option* timeout = tools::add_duration(
      *command, "--timeout", options->timeout, std::chrono::milliseconds(1),
      "Give up after this time; it is also the call's deadline. A stream may take as long "
      "as it likes unless this is given");
  CLI::Option* notify =
      command->add_flag("--notify", options->notify, "Send a notification: no answer is awaited");
  CLI::Option* stream =
      command->add_flag("--stream", options->stream, "Print the items of a stream as they come, one a line");
  stream->excludes(notify);
  command->add_option("--credit", options->credit, "Items that may come before the first of them is printed")
      ->check(CLI::Range(std::int64_t{1}, tools::max_credit))
      ->needs(stream)
      ->capture_default_str();
  command
      ->add_option("--after", options->after,
                   "Go on behind the item that had this cursor, a JSON text; refused when the method cannot")
      ->needs(stream)
      ->type_name("CURSOR");
  command->add_option("--token-file", options->token_file,
                      "Present the token that this file holds, before the call");
  command->footer(
      "Exit: 0 result on standard output, 1 error answer on standard error, or standard output did not take "
      "the result, 2 no connection or no answer in time, 64 wrong usage; of a stream also 130 cancelled by "
      "SIGINT (Ctrl-C), 143 by SIGTERM, 141 because nobody reads standard output. At a terminal a method "
      "that is not found is answered with the nearest one.");
  command->callback([options, timeout, &exit_code] {
    tools::check_tls_options(options->tls);
    options->timeout_given = timeout->count() > 0;
    options->suggest = ::isatty(STDERR_FILENO) == 1;
    exit_code = options->stream ? tools::run_stream(*options, std::cin, STDOUT_FILENO, std::cerr)
                                : tools::run_call(*options, std::cin, std::cout, std::cerr);
  });
}

}  // namespace weft
