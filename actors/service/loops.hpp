// On whose reactor does this thread run? For code of the program that may run on any thread and must come
// back to where it was.
#pragma once

#include <caf/actor_control_block.hpp>

#include "actors/coro/executor.hpp"

namespace weft {

/// The router of the reactor that runs on this thread; null on every other thread.
const caf::strong_actor_ptr& current_loop() noexcept;

/// What runs coroutines on this thread; null where nothing does.
coro::executor* current_executor() noexcept;

/// Says so for as long as it lives; in the frame of the thread's function.
class running_loop {
 public:
  /// Without a router it is an executor that is no reactor.
  running_loop(caf::strong_actor_ptr router, coro::executor& runs) noexcept;
  ~running_loop();
  running_loop(const running_loop&) = delete;
  running_loop& operator=(const running_loop&) = delete;

 private:
  caf::strong_actor_ptr outer_router_;
  coro::executor* outer_runs_;
};

}  // namespace weft
