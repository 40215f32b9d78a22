// One instance that serves a method, and what is known of how it does.
//
// An `endpoint` is part of an immutable routing table; its `endpoint_state` lives on from table to table and
// is shared by all routers. Thread safety: the state is made of relaxed atomics; a lost update costs a
// slightly worse choice.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "actors/config/options.hpp"
#include "actors/messages/keys.hpp"

namespace weft {

class endpoint_state {
 public:
  using clock = std::chrono::steady_clock;

  void begin() noexcept { in_flight_.fetch_add(1, std::memory_order_relaxed); }
  /// `latency` of a finished call. A failure counts as slow, or a fast-failing instance would attract the
  /// load.
  void end(bool ok, std::chrono::nanoseconds latency, clock::time_point now) noexcept;
  /// A call that was taken back says nothing about the instance.
  void end_unknown() noexcept {
    in_flight_.fetch_sub(1, std::memory_order_relaxed);
    release_probe();
  }

  std::int64_t in_flight() const noexcept { return in_flight_.load(std::memory_order_relaxed); }
  /// Exponentially weighted, and fading while nothing is measured, so that a slow instance is tried again.
  double latency_ns(clock::time_point now) const noexcept;
  /// What the balancer compares: expected time until an answer.
  double cost(clock::time_point now) const noexcept {
    return latency_ns(now) * static_cast<double>(in_flight() + 1);
  }

  // -- ejection
  enum class health : std::uint8_t { healthy, ejected, probation };
  health state(clock::time_point now) const noexcept;
  /// Takes the one place for a real request after an ejection.
  bool take_probe() noexcept { return !probing_.exchange(true, std::memory_order_relaxed); }
  /// Nothing will be learned from who took it: the place is free again, or nobody could ever take it.
  void release_probe() noexcept { probing_.store(false, std::memory_order_relaxed); }
  /// The call that failed or succeeded says whether the instance is to be ejected now.
  bool deserves_ejection(const ejection_options& options) const noexcept;
  void eject(const ejection_options& options, clock::time_point now, double jitter) noexcept;
  void readmit() noexcept;
  std::uint32_t ejections() const noexcept { return ejections_.load(std::memory_order_relaxed); }
  std::int64_t calls() const noexcept { return calls_.load(std::memory_order_relaxed); }
  std::int64_t failures() const noexcept { return failures_.load(std::memory_order_relaxed); }

 private:
  void rotate_window(clock::time_point now) noexcept;

  std::atomic<std::int64_t> in_flight_{0};
  std::atomic<std::int64_t> calls_{0};
  std::atomic<std::int64_t> failures_{0};
  std::atomic<double> latency_ns_{0};
  std::atomic<std::int64_t> measured_at_ns_{0};
  std::atomic<std::uint32_t> consecutive_failures_{0};
  // Calls and failures of the running and the previous window.
  std::atomic<std::int64_t> window_began_ns_{0};
  std::atomic<std::uint32_t> window_calls_{0};
  std::atomic<std::uint32_t> window_failures_{0};
  std::atomic<std::uint32_t> ejections_{0};
  std::atomic<std::int64_t> ejected_until_ns_{0};
  std::atomic<bool> probing_{false};
};

struct endpoint {
  connection_address connection;
  /// The node it is connected to; calls to another node's instances go through that node.
  std::string node;
  bool local = true;
  std::string service;
  std::string instance;
  bool idempotent = false;
  bool streams = false;
  /// Its node drains: it is called when nobody else can be, until its services are known elsewhere.
  bool leaving = false;
  std::uint32_t max_in_flight = 0;
  /// How many instances stand behind it: more than one for another node.
  std::uint32_t weight = 1;
  std::shared_ptr<endpoint_state> state;
};

}  // namespace weft
