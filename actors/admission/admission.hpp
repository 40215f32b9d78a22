// Admission of calls to methods whose calls under way are limited, by themselves or by their instances: those
// that find no room wait, in a bounded queue that keeps its waiting times short.
//
// How long a call may wait follows the "controlled delay" of Facebook's servers (B. Maurer, Fail at Scale,
// ACM Queue 13-8, 2015), which follows CoDel: a queue that was empty lately takes a burst and lets calls wait
// for the whole interval; one that has been standing for an interval is overloaded, and lets them wait only
// for the target, so that what it does serve is served fresh.
#pragma once

#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "actors/config/options.hpp"

namespace weft {

class admission_state;

/// Base of what waits in an `admission_queue`.
struct waiting_call {
  /// The limit that it waits for.
  std::shared_ptr<admission_state> waits_for;
  waiting_call* waiting_previous = nullptr;
  waiting_call* waiting_next = nullptr;
  std::chrono::steady_clock::time_point queued_at{};
};

/// What all routers know of one method pattern. Thread-safe.
class admission_state {
 public:
  /// 0: only the instances limit.
  explicit admission_state(std::uint32_t max_in_flight) noexcept : max_in_flight_(max_in_flight) {}

  std::uint32_t max_in_flight() const noexcept { return max_in_flight_; }
  std::int64_t in_flight() const noexcept { return in_flight_.load(std::memory_order_relaxed); }
  std::int64_t waiting() const noexcept { return waiting_.load(std::memory_order_relaxed); }
  bool full() const noexcept { return max_in_flight_ != 0 && in_flight() >= max_in_flight_; }

  void enter() noexcept { in_flight_.fetch_add(1, std::memory_order_relaxed); }
  void leave() noexcept { in_flight_.fetch_sub(1, std::memory_order_relaxed); }

  // -- which reactors have calls waiting, so that room is offered to them in turn
  void add_waiting(std::size_t reactor_index) noexcept {
    waiting_.fetch_add(1, std::memory_order_relaxed);
    waiting_at_.fetch_or(bit(reactor_index), std::memory_order_seq_cst);
  }
  void remove_waiting(std::size_t reactor_index, bool last) noexcept {
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    if (last) waiting_at_.fetch_and(~bit(reactor_index), std::memory_order_seq_cst);
  }
  /// The next reactor after `reactor_index` that has calls waiting, `reactor_index` itself at last; `count`
  /// when none has.
  std::size_t next_waiting(std::size_t reactor_index, std::size_t count) const noexcept {
    const auto set = waiting_at_.load(std::memory_order_seq_cst);
    if (set == 0) return count;
    for (std::size_t i = 1; i <= count; ++i) {
      const auto candidate = (reactor_index + i) % count;
      if ((set & bit(candidate)) != 0) return candidate;
    }
    return count;
  }

 private:
  // With more than 64 reactors some share a bit: one is then asked for nothing.
  static constexpr std::uint64_t bit(std::size_t reactor_index) noexcept {
    return std::uint64_t{1} << (reactor_index % 64);
  }

  const std::uint32_t max_in_flight_;
  std::atomic<std::int64_t> in_flight_{0};
  std::atomic<std::int64_t> waiting_{0};
  std::atomic<std::uint64_t> waiting_at_{0};
};

/// One router's waiting calls of one method pattern, first come, first served. Not thread-safe.
class admission_queue {
 public:
  using clock = std::chrono::steady_clock;

  explicit admission_queue(clock::time_point now) noexcept : empty_at_(now) {}

  bool empty() const noexcept { return first_ == nullptr; }
  std::size_t size() const noexcept { return size_; }
  waiting_call* first() const noexcept { return first_; }
  void push(waiting_call& c, clock::time_point now) noexcept;
  /// Also from the middle.
  void remove(waiting_call& c, clock::time_point now) noexcept;
  /// How long a call may have waited to be served at `now`.
  milliseconds timeout(const limit_options& limits, clock::time_point now) const noexcept {
    return now - empty_at_ > limits.queue_interval ? limits.queue_target : limits.queue_interval;
  }

 private:
  waiting_call* first_ = nullptr;
  waiting_call* last_ = nullptr;
  std::size_t size_ = 0;
  /// When it was empty last.
  clock::time_point empty_at_;
};

}  // namespace weft
