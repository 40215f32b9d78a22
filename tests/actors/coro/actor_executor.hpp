// actor_executor: runs coroutines inside a CAF actor, with its clock and its mailbox.
//
// A member of the actor's state; the actor adds `handler()` to every behavior it takes on. Ready coroutines
// are resumed by one message per burst; timers live in a wheel, for which one scheduled message wakes the
// actor. The clock is that of the actor system, so CAF's test clock drives it.
//
// Ownership: dies with the actor's state, after the scopes that use it. CAF keeps the memory of an actor that
// has ended, though not its state, until the last scheduled message has gone.
//
// Thread safety: none; the actor's own cancel scope only.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <caf/message_handler.hpp>
#include <caf/scheduled_actor.hpp>

#include "actors/coro/executor.hpp"
#include "actors/coro/timer_wheel.hpp"

namespace weft::coro {

class actor_executor final : public executor {
 public:
  explicit actor_executor(caf::scheduled_actor* self);

  /// What the executor sends to its actor is handled here.
  caf::message_handler handler();

  clock::time_point now() const noexcept override;
  void post(std::coroutine_handle<> handle) override;
  void unpost(std::coroutine_handle<> handle) noexcept override;

 private:
  void insert(timer& t) override;
  void remove(timer& t) noexcept override;

  void run_ready();
  void run_timers(std::uint64_t generation);
  /// Sees to it that a message arrives when the next timer is due.
  void schedule_wake();

  caf::scheduled_actor* self_;
  timer_wheel timers_;
  clock::time_point wake_at_ = clock::time_point::max();
  /// Counts the scheduled messages; all but the last are stale.
  std::uint64_t generation_ = 0;
  std::vector<std::coroutine_handle<>> ready_;
  std::vector<std::coroutine_handle<>> batch_;
};

}  // namespace weft::coro
