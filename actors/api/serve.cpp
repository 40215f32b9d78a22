#include <csignal>
#include <cstdio>
#include <utility>

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include "actors/api/calls_from_outside.hpp"
#include "actors/api/runtime.hpp"
#include "weft/service.hpp"

namespace weft {
namespace {

constexpr int exit_failed = 1;
/// As of the `weft` program: wrong arguments.
constexpr int exit_usage = 64;

/// Keeps them from every thread that is started meanwhile.
class blocked_signals {
 public:
  blocked_signals() {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGTERM);
    ::sigaddset(&set_, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  ~blocked_signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  blocked_signals(const blocked_signals&) = delete;
  blocked_signals& operator=(const blocked_signals&) = delete;

  int wait() const {
    int signal = 0;
    while (::sigwait(&set_, &signal) != 0) continue;
    return signal;
  }

 private:
  sigset_t set_{};
  sigset_t before_{};
};

int complain(const std::string& service, std::string_view what) {
  fmt::print(stderr, "{}: {}\n", service, what);
  return exit_usage;
}

/// Nothing new comes once the node has answered; what is under way finishes.
void leave(detail::runtime& runtime, std::chrono::milliseconds patience, spdlog::logger& log) {
  if (runtime.monitor()->is_up()) {
    const auto told =
        start_call(runtime.gate(), 0, {remote::anyone{}, "mesh.drain", {}, {.deadline = patience}});
    if (const auto answer = told->wait(); !answer) log.warn("the node was not told: {}", answer.error());
  }
  if (!runtime.node().drain()) log.warn("calls under way are cut off");
}

}  // namespace

int serve(const addresses& nodes, const service& methods, const serve_options& options) {
  const auto log = options.log ? options.log : detail::default_log(true);
  auto plan = detail::plan_uplink(nodes,
                                  {.name = methods.name(),
                                   .instance = options.instance,
                                   .token = options.token,
                                   .heartbeat = options.heartbeat,
                                   .serves = true},
                                  {methods.state()}, log);
  if (!plan) return complain(methods.name(), plan.error().message);
  plan->options.drain_timeout = options.drain_timeout;
  const blocked_signals signals;
  auto runtime = detail::runtime::start(std::move(*plan));
  if (!runtime) {
    complain(methods.name(), runtime.error());
    return exit_failed;
  }
  const int signal = signals.wait();
  log->info("signal {}: calls under way finish, for at most {} ms", signal, options.drain_timeout.count());
  leave(**runtime, options.drain_timeout, *log);
  return 0;
}

}  // namespace weft
