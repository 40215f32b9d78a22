#include "bench/peers/client.hpp"

#include <iostream>

#include <CLI/CLI.hpp>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "node/commands/arguments.hpp"
#include "node/commands/bench/report.hpp"

namespace weft::peers {

namespace {

std::chrono::nanoseconds to_duration(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

}  // namespace

void recorder::begin() {
  std::lock_guard guard(mutex_);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  user_before_ = to_duration(usage.ru_utime);
  system_before_ = to_duration(usage.ru_stime);
  began_ = clock_ns();
  measuring_ = true;
}

tools::load_result recorder::end() {
  std::lock_guard guard(mutex_);
  measuring_ = false;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  result_.cpu_user = to_duration(usage.ru_utime) - user_before_;
  result_.cpu_system = to_duration(usage.ru_stime) - system_before_;
  result_.elapsed = std::chrono::nanoseconds(clock_ns() - began_);
  result_.requests_per_second =
      static_cast<double>(result_.succeeded) * 1e9 / static_cast<double>(result_.elapsed.count());
  return result_;
}

int run_client(int argc, char** argv, const char* what,
               std::expected<tools::load_result, std::string> (*load)(const tools::bench_options&)) {
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
  app.add_flag("--json", options.json, "Report as one JSON object");
  CLI11_PARSE(app, argc, argv);
  // The default slack of 50 us would show up in every latency of an open loop.
  ::prctl(PR_SET_TIMERSLACK, 1);
  auto result = load(options);
  if (!result) {
    std::cerr << result.error() << '\n';
    return 2;
  }
  std::cout << (options.json ? tools::json_report(options, *result) + "\n"
                             : tools::text_report(options, *result));
  return result->succeeded > 0 && result->failed() == 0 ? 0 : 1;
}

}  // namespace weft::peers
