#include "weft/detail/pending_state.hpp"

#include <utility>

#include "actors/messages/uplink_messages.hpp"
#include "actors/service/loops.hpp"

namespace weft::detail {

void pending_state::set(outcome value) {
  std::move_only_function<void()> act;
  std::move_only_function<void()> cancel;
  {
    const std::lock_guard lock(mutex_);
    if (outcome_) return;
    outcome_.emplace(std::move(value));
    act = std::exchange(when_ready_, nullptr);
    cancel = std::exchange(on_cancel_, nullptr);
    changed_.notify_all();
  }
  if (act) act();
}

bool pending_state::ready() const {
  const std::lock_guard lock(mutex_);
  return outcome_.has_value();
}

pending_state::outcome pending_state::wait() {
  std::unique_lock lock(mutex_);
  if (!outcome_ && current_loop()) {
    lock.unlock();
    cancel();
    return std::unexpected(error(error_code::internal_error,
                                 "get() would block the reactor that is to bring the answer: use co_await"));
  }
  changed_.wait(lock, [this] { return outcome_.has_value(); });
  return std::move(*outcome_);
}

bool pending_state::wait_until(std::chrono::steady_clock::time_point time) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, time, [this] { return outcome_.has_value(); });
}

pending_state::outcome pending_state::take() {
  const std::lock_guard lock(mutex_);
  return std::move(*outcome_);
}

void pending_state::when_ready(std::move_only_function<void()> act) {
  {
    const std::lock_guard lock(mutex_);
    if (!outcome_) {
      when_ready_ = std::move(act);
      return;
    }
  }
  act();
}

void pending_state::on_cancel(std::move_only_function<void()> act) {
  {
    const std::lock_guard lock(mutex_);
    if (outcome_) return;
    if (!cancelled_) {
      on_cancel_ = std::move(act);
      return;
    }
  }
  act();
}

void pending_state::cancel() {
  std::move_only_function<void()> act;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(cancelled_, true)) return;
    act = std::exchange(on_cancel_, nullptr);
  }
  if (act) act();
}

struct resumption::token {
  static void resume(const std::shared_ptr<token>& self) {
    std::coroutine_handle<> to_resume;
    {
      // Under the lock, which the end of the coroutine waits for: its reactor lives until then.
      const std::lock_guard lock(self->mutex);
      if (const auto to = std::exchange(self->loop, nullptr))
        return post(to, [self](router*) { resume(self); });
      to_resume = std::exchange(self->waiting, nullptr);
    }
    if (to_resume) to_resume.resume();
  }

  std::mutex mutex;
  std::coroutine_handle<> waiting;
  /// Null when the coroutine runs on no reactor.
  caf::strong_actor_ptr loop;
};

resumption::resumption(std::coroutine_handle<> waiting) : token_(std::make_shared<token>()) {
  token_->waiting = waiting;
  token_->loop = current_loop();
}

resumption::~resumption() {
  const std::lock_guard lock(token_->mutex);
  token_->waiting = nullptr;
  token_->loop = nullptr;
}

std::move_only_function<void()> resumption::callback() const {
  return [self = token_] { token::resume(self); };
}

}  // namespace weft::detail
