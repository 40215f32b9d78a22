#include "bench/peers/client.hpp"

#include <iostream>

#include <CLI/CLI.hpp>
#include <sys/prctl.h>

#include "node/commands/arguments.hpp"
#include "node/commands/bench/report.hpp"

namespace weft::peers {

namespace {

bool succeeded(const tools::load_result& result) {
  return result.succeeded > 0 && result.failed() == 0;
}
bool succeeded(const tools::stream_result& result) {
  return result.items > 0 && result.failed() == 0;
}

template <class Result>
int report(const tools::bench_options& options, const std::expected<Result, std::string>& result) {
  if (!result) {
    std::cerr << result.error() << '\n';
    return 2;
  }
  std::cout << (options.json ? tools::json_report(options, *result) + "\n"
                             : tools::text_report(options, *result));
  return succeeded(*result) ? 0 : 1;
}

}  // namespace

void recorder::begin() {
  std::lock_guard guard(mutex_);
  cpu_.begin();
  began_ = clock_ns();
  measuring_ = true;
}

tools::load_result recorder::end() {
  std::lock_guard guard(mutex_);
  measuring_ = false;
  result_.cpu_user = cpu_.user();
  result_.cpu_system = cpu_.system();
  result_.elapsed = std::chrono::nanoseconds(clock_ns() - began_);
  result_.requests_per_second =
      static_cast<double>(result_.succeeded) * 1e9 / static_cast<double>(result_.elapsed.count());
  return result_;
}

void stream_recorder::begin() {
  std::lock_guard guard(mutex_);
  cpu_.begin();
  began_ = clock_ns();
  measuring_ = true;
}

tools::stream_result stream_recorder::end() {
  std::lock_guard guard(mutex_);
  measuring_ = false;
  result_.cpu_user = cpu_.user();
  result_.cpu_system = cpu_.system();
  result_.elapsed = std::chrono::nanoseconds(clock_ns() - began_);
  const double seconds = static_cast<double>(result_.elapsed.count()) / 1e9;
  result_.items_per_second = static_cast<double>(result_.items) / seconds;
  result_.bytes_per_second = static_cast<double>(result_.bytes) / seconds;
  return result_;
}

int run_client(int argc, char** argv, const char* what, load_function<tools::load_result> load,
               load_function<tools::stream_result> streams) {
  using namespace std::chrono_literals;
  tools::bench_options options;
  CLI::App app(what);
  tools::add_address(app, "ADDRESS", options.address, "Where the server listens");
  app.add_option("--connections", options.connections, "Connections")->check(CLI::Range(1, 10'000));
  app.add_option("--pipeline", options.pipeline, "Requests in flight on each")->check(CLI::Range(1, 10'000));
  tools::add_duration(app, "--duration", options.duration, 1ms, "How long to measure");
  tools::add_duration(app, "--warmup", options.warmup, 0ns, "Load before the measurement");
  app.add_option("--rate", options.rate, "Requests per second of an open loop");
  app.add_option("--params", options.params, "JSON");
  app.add_flag("--stream", options.stream, "Read streams of numbers");
  app.add_option("--credit", options.credit,
                 "Items of each that may be on their way, where the protocol counts");
  app.add_option("--method", options.method, "Only for the report: each protocol has its own name for it");
  app.add_flag("--json", options.json, "Report as one JSON object");
  CLI11_PARSE(app, argc, argv);
  // The default slack of 50 us would show up in every latency of an open loop.
  ::prctl(PR_SET_TIMERSLACK, 1);
  return options.stream ? report(options, streams(options)) : report(options, load(options));
}

}  // namespace weft::peers
