// The outcome of a call on its way between the reactor that makes it and whoever waits, on any thread.
//
// Thread safety: any thread. Shared by both sides; the first outcome counts.
#pragma once

#include <chrono>
#include <condition_variable>
#include <coroutine>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "weft/error.hpp"

namespace weft::detail {

class pending_state {
 public:
  /// The result as raw JSON.
  using outcome = std::expected<std::string, error>;

  void set(outcome value);
  bool ready() const;
  /// Blocks. On a reactor, which would then never bring the answer, it returns an error that says so.
  outcome wait();
  bool wait_until(std::chrono::steady_clock::time_point time) const;
  /// REQUIRES: ready, and not taken before.
  outcome take();
  /// Calls `act` once there is an outcome: from inside this call, or on the thread that brings it.
  void when_ready(std::move_only_function<void()> act);

  /// What `cancel` does, set by whoever makes the call.
  void on_cancel(std::move_only_function<void()> act);
  /// The call is taken back; its outcome is -32800, unless it was there before.
  void cancel();

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::optional<outcome> outcome_;
  std::move_only_function<void()> when_ready_;
  std::move_only_function<void()> on_cancel_;
  bool cancelled_ = false;
};

/// Resumes a coroutine where it was suspended: on the reactor of the thread that made this, or else on the
/// thread of whoever calls `resume`. In the frame of the coroutine, with whose end it is taken back.
class resumption {
 public:
  explicit resumption(std::coroutine_handle<> waiting);
  ~resumption();
  resumption(const resumption&) = delete;
  resumption& operator=(const resumption&) = delete;

  /// What is to be called, once, from any thread.
  std::move_only_function<void()> callback() const;

 private:
  struct token;
  std::shared_ptr<token> token_;
};

}  // namespace weft::detail
