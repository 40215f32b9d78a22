#include "tests/actors/coro/actor_executor.hpp"

#include <algorithm>
#include <utility>

#include <caf/actor_clock.hpp>
#include <caf/actor_system.hpp>
#include <caf/atom.hpp>
#include <caf/mailbox_element.hpp>

namespace weft::coro {

namespace {
using ready_atom = caf::atom_constant<caf::atom("coro_ready")>;
using wake_atom = caf::atom_constant<caf::atom("coro_wake")>;
}  // namespace

actor_executor::actor_executor(caf::scheduled_actor* self) : self_(self), timers_(self->clock().now()) {}

caf::message_handler actor_executor::handler() {
  return {
      [this](ready_atom) { run_ready(); },
      [this](wake_atom, std::uint64_t generation) { run_timers(generation); },
  };
}

clock::time_point actor_executor::now() const noexcept {
  return self_->clock().now();
}

void actor_executor::post(std::coroutine_handle<> handle) {
  ready_.push_back(handle);
  if (ready_.size() == 1) self_->eq_impl(caf::make_message_id(), nullptr, nullptr, ready_atom::value);
}

// An entry is blanked, not erased, so that the positions of others and the message on its way stay right.
void actor_executor::unpost(std::coroutine_handle<> handle) noexcept {
  for (auto* queue : {&ready_, &batch_}) {
    const auto entry = std::ranges::find(*queue, handle);
    if (entry == queue->end()) continue;
    *entry = nullptr;
    return;
  }
}

void actor_executor::run_ready() {
  batch_.swap(ready_);
  for (std::size_t i = 0; i != batch_.size(); ++i) {
    if (const auto handle = std::exchange(batch_[i], nullptr)) handle.resume();
  }
  batch_.clear();
}

void actor_executor::insert(timer& t) {
  timers_.insert(t);
  schedule_wake();
}

void actor_executor::remove(timer& t) noexcept {
  timers_.remove(t);
}

void actor_executor::schedule_wake() {
  const auto due = timers_.next_due();
  if (!due || *due >= wake_at_) return;
  wake_at_ = *due;
  self_->clock().schedule_message(
      *due, caf::strong_actor_ptr(self_->ctrl()),
      caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, wake_atom::value, ++generation_));
}

void actor_executor::run_timers(std::uint64_t generation) {
  if (generation != generation_) return;
  wake_at_ = clock::time_point::max();
  timers_.advance(now(), [](timer& t) { expire(t); });
  schedule_wake();
}

}  // namespace weft::coro
