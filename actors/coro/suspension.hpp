// suspension: the common part of every awaiter that waits for an event or for its cancel scope to be
// cancelled.
//
// An awaiter derives from it, calls `suspend` from await_suspend, `wake` when its event has happened, and
// `resumed` from await_resume. The coroutine is resumed exactly once, by the executor, whatever happens first
// and however many things happen; destroying the waiting frame takes everything back.
//
// Thread safety: none; belongs to the actor of its cancel scope.
#pragma once

#include <coroutine>
#include <cstdint>
#include <optional>
#include <utility>

#include "actors/coro/cancel_scope.hpp"

namespace weft::coro {

class suspension : private cancel_hook {
 protected:
  explicit suspension(cancel_scope ctx) noexcept : context_(std::move(ctx)) {}
  ~suspension() {
    if (phase_ == phase::posted) run().unpost(waiting_);
  }

  executor& run() const noexcept { return context_.get_executor(); }

  /// False when the cancel scope is cancelled already: `reason` says why and the coroutine goes on at once.
  [[nodiscard]] bool suspend(std::coroutine_handle<> waiting) {
    if (!context_.attach(*this)) {
      reason_ = context_.reason();
      return false;
    }
    waiting_ = waiting;
    phase_ = phase::waiting;
    return true;
  }

  /// Posts the coroutine. Does nothing when it is not waiting, for instance because a cancellation was
  /// faster.
  void wake() {
    if (phase_ != phase::waiting) return;
    detach();
    phase_ = phase::posted;
    run().post(waiting_);
  }

  /// As `wake`, but resumes the coroutine from inside this call, which may destroy the awaiter: only for
  /// callbacks of the executor itself.
  void resume() {
    if (phase_ != phase::waiting) return;
    detach();
    phase_ = phase::running;
    waiting_.resume();
  }

  void resumed() noexcept { phase_ = phase::running; }
  /// Why the cancel scope was cancelled, when that is what ended the wait.
  const std::optional<cancel_reason>& reason() const noexcept { return reason_; }

 private:
  enum class phase : std::uint8_t { running, waiting, posted };

  void on_cancel(cancel_reason why) final {
    reason_ = why;
    wake();
  }

  cancel_scope context_;
  std::coroutine_handle<> waiting_;
  phase phase_ = phase::running;
  std::optional<cancel_reason> reason_;
};

}  // namespace weft::coro
