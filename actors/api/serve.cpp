#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

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
    signals_ = ::signalfd(-1, &set_, SFD_CLOEXEC);
    ended_ = ::eventfd(0, EFD_CLOEXEC);
  }
  ~blocked_signals() {
    ::close(signals_);
    ::close(ended_);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  blocked_signals(const blocked_signals&) = delete;
  blocked_signals& operator=(const blocked_signals&) = delete;

  /// From any thread: there is nothing to wait for any more.
  void end() const noexcept {
    constexpr std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(ended_, &one, sizeof one);
  }
  /// The signal that came, or nothing after `end`.
  std::optional<int> wait() const {
    std::array<pollfd, 2> watched = {pollfd{signals_, POLLIN, 0}, pollfd{ended_, POLLIN, 0}};
    while (::poll(watched.data(), watched.size(), -1) < 0 && errno == EINTR) continue;
    if ((watched[0].revents & POLLIN) == 0) return std::nullopt;
    signalfd_siginfo came{};
    if (::read(signals_, &came, sizeof came) != sizeof came) return std::nullopt;
    return static_cast<int>(came.ssi_signo);
  }

 private:
  sigset_t set_{};
  sigset_t before_{};
  int signals_ = -1;
  int ended_ = -1;
};

int complain(const std::string& service, std::string_view what) {
  fmt::print(stderr, "{}: {}\n", service, what);
  return exit_usage;
}

/// Nothing new comes once the node has answered; what is under way finishes.
void leave(detail::runtime& runtime, std::chrono::milliseconds timeout, spdlog::logger& log) {
  if (runtime.monitor()->is_up()) {
    const auto told =
        start_call(runtime.gate(), 0, {remote::anyone{}, "mesh.drain", {}, {.deadline = timeout}});
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
  plan->uplink->ends_when_refused = true;
  plan->uplink->monitor->when_refused([&signals] { signals.end(); });
  auto runtime = detail::runtime::start(std::move(*plan));
  if (!runtime) {
    complain(methods.name(), runtime.error());
    return exit_failed;
  }
  const auto signal = signals.wait();
  if (const auto refused = (*runtime)->monitor()->refusal()) {
    complain(methods.name(), fmt::format("the node at {} refuses this service, and will go on to: {}",
                                         refused->address, refused->message));
    return exit_failed;
  }
  log->info("signal {}: calls under way finish, for at most {} ms", signal.value_or(0),
            options.drain_timeout.count());
  leave(**runtime, options.drain_timeout, *log);
  return 0;
}

}  // namespace weft
