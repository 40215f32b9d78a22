#include "actors/service/loops.hpp"

#include <utility>

namespace weft {
namespace {

struct here {
  caf::strong_actor_ptr router;
  coro::executor* runs = nullptr;
};

here& slot() noexcept {
  thread_local here of_this_thread;
  return of_this_thread;
}

}  // namespace

const caf::strong_actor_ptr& current_loop() noexcept {
  return slot().router;
}

coro::executor* current_executor() noexcept {
  return slot().runs;
}

running_loop::running_loop(caf::strong_actor_ptr router, coro::executor& runs) noexcept
    : outer_router_(std::exchange(slot().router, std::move(router))),
      outer_runs_(std::exchange(slot().runs, &runs)) {}

running_loop::~running_loop() {
  slot().router = std::move(outer_router_);
  slot().runs = outer_runs_;
}

}  // namespace weft
