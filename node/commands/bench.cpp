#include "node/commands/bench.hpp"

#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "actors/transport/network.hpp"
#include "node/commands/arguments.hpp"
#include "node/commands/bench/idle.hpp"
#include "node/commands/bench/report.hpp"
#include "node/commands/bench/requests.hpp"
#include "node/commands/bench/stream_load.hpp"
#include "node/commands/call.hpp"
#include "node/logging/printable.hpp"
#include "node/process/exit_code.hpp"
#include "node/process/file_text.hpp"
#include "proto/error.hpp"

namespace weft::tools {

namespace {

template <class Result>
void print_report(const bench_options& options, const Result& result, std::ostream& output) {
  if (options.json) {
    output << printable_json(json_report(options, result)) << '\n' << std::flush;
  } else {
    output << printable_lines(text_report(options, result)) << std::flush;
  }
}

int run_idle(const bench_options& options, std::ostream& output, std::ostream& errors) {
  auto on_open = [&](const idle_result& opened) {
    errors << fmt::format("{} connections open, holding them\n", opened.opened) << std::flush;
  };
  auto result = hold_connections(options, on_open);
  if (!result) {
    errors << printable(result.error()) << '\n';
    return exit_unreachable;
  }
  print_report(options, *result, output);
  return result->still_open == result->opened ? exit_ok : exit_failed;
}

bool none_succeeded(const load_result& result) {
  return result.succeeded == 0;
}
bool none_succeeded(const stream_result& result) {
  return result.items == 0;
}

bool succeeded(const load_result& result) {
  return result.succeeded > 0 && result.failed() == 0 && result.transport_errors.empty();
}
bool succeeded(const stream_result& result) {
  return result.items > 0 && result.failed() == 0 && result.transport_errors.empty();
}

/// What failed, in the words of whoever refused it, and what may help. Not part of the report, which a
/// program may read.
void explain_errors(const bench_options& options, const load_outcome& result, bool none_succeeded,
                    std::ostream& errors) {
  for (const auto& [code, message] : result.first_messages) {
    // One that answers no request is in no count, and says why the connection ended.
    if (result.errors_by_code.contains(code) || result.malformed > 0)
      errors << fmt::format("the first error {}: {}\n", code, printable(message));
  }
  if (!none_succeeded || result.errors_by_code.size() != 1) return;
  const int code = result.errors_by_code.begin()->first;
  const auto is = [code](error_code named) { return code == static_cast<std::int32_t>(named); };
  if (is(error_code::method_not_found)) {
    errors << fmt::format(
        "nobody serves '{}': name a method with --method; a node started with --demo serves {}\n",
        printable(options.method), options.stream ? "demo.count" : "foo");
  } else if (is(error_code::invalid_params)) {
    errors << fmt::format("'{}' takes other params: give them with --params\n", printable(options.method));
  }
}

/// `load` measures: `generate_load` or `read_streams`, and `Progress` is what it reports meanwhile.
template <class Progress, class Load>
int run_load(Load&& load, const bench_options& options, std::ostream& output, std::ostream& errors) {
  auto on_progress = [&](const Progress& progress) {
    errors << progress_line(progress) << '\n' << std::flush;
  };
  auto result = load(options, on_progress);
  if (!result) {
    errors << printable(result.error()) << '\n';
    return exit_unreachable;
  }
  if (!result->heard && !result->transport_errors.empty()) {
    // A table of zeros would not say so, and the exit code is that of the other commands.
    for (const auto& [reason, count] : result->transport_errors)
      errors << fmt::format("no answer from {}: {}\n", format_host_port(options.address), printable(reason));
    return exit_unreachable;
  }
  print_report(options, *result, output);
  const bool all_well = succeeded(*result);
  if (!all_well) explain_errors(options, *result, none_succeeded(*result), errors);
  return all_well ? exit_ok : exit_failed;
}

}  // namespace

int run_bench(bench_options options, std::ostream& output, std::ostream& errors) {
  if (!options.token_file.empty()) {
    auto token = read_token_file(options.token_file);
    if (!token) {
      errors << printable(token.error()) << '\n';
      return exit_usage;
    }
    options.token = std::move(*token);
  }
  if (options.idle > 0) return run_idle(options, output, errors);
  if (!options.params.empty()) {
    auto params = read_params(options.params, std::cin);
    if (!params) {
      errors << printable(params.error()) << '\n';
      return exit_usage;
    }
    options.params = std::move(*params);
  }
  if (options.stream) return run_load<stream_progress>(read_streams, options, output, errors);
  return run_load<load_progress>(generate_load, options, output, errors);
}

}  // namespace weft::tools

namespace weft {

void add_bench_command(CLI::App& app, int& exit_code) {
  using namespace std::chrono_literals;
  auto options = std::make_shared<tools::bench_options>();
  CLI::App* command = app.add_subcommand("bench", "Put load on a node and report rate and latencies");
  tools::add_address(*command, "ADDRESS", options->address, "The node's data port");
  CLI::Option* rate = command->add_option(
      "--rate", options->rate, "Requests per second of an open loop; without it the loop is closed");
  rate->check(CLI::Range(0.001, 1e9));
  command->add_option("--connections", options->connections, "Connections")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command
      ->add_option("--pipeline", options->pipeline,
                   "Requests, or batches, in flight on each connection; with --stream, streams")
      ->check(CLI::Range(std::size_t{1}, tools::max_pipeline))
      ->capture_default_str();
  CLI::Option* batch =
      command->add_option("--batch", options->batch, "Requests in one JSON-RPC batch; 1 sends them singly");
  batch->check(CLI::Range(std::size_t{1}, tools::max_batch))->excludes(rate)->capture_default_str();
  tools::add_duration(*command, "--duration", options->duration, 1ms,
                      "How long to measure, or to hold idle connections");
  tools::add_duration(*command, "--warmup", options->warmup, 0ns, "Load before the measurement");
  CLI::Option* method =
      command
          ->add_option("--method", options->method,
                       "The method to call; foo is one of a node that was started with --demo")
          ->capture_default_str();
  command->add_option("--params", options->params,
                      "Its params: JSON array or object, @FILE, or - for standard input");
  CLI::Option* stream = command->add_flag(
      "--stream", options->stream, "Read streams and count their items; each that ends is begun again");
  // The default method does not stream.
  stream->excludes(rate, batch)->needs(method);
  command->add_option("--credit", options->credit, "Items of each stream that may be on their way")
      ->check(CLI::Range(std::int64_t{1}, tools::max_credit))
      ->needs(stream)
      ->capture_default_str();
  command->add_flag("--json", options->json, "Report as one JSON object");
  CLI::Option* idle =
      command->add_option("--idle", options->idle, "Only open so many connections and hold them");
  idle->check(CLI::Range(1, 1'000'000))->excludes("--rate", "--params", "--batch", "--stream");
  command->add_flag("--introduce", options->introduce, "Send connect on each of them")->needs(idle);
  command->add_option("--source", options->source, "Local address to connect from");
  command->add_option("--token-file", options->token_file,
                      "Present the token that this file holds on every connection, before the load");
  command->footer(
      "Exit: 0 every request got its result, 1 some failed (or no item came), 2 no connection or none that "
      "answered, 64 wrong usage.");
  command->callback([options, &exit_code] { exit_code = tools::run_bench(*options, std::cout, std::cerr); });
}

}  // namespace weft
