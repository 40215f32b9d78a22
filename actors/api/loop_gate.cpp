#include "actors/api/loop_gate.hpp"

#include <algorithm>
#include <utility>

#include "actors/service/loops.hpp"

namespace weft {

void loop_gate::open(std::vector<caf::strong_actor_ptr> routers) {
  const std::lock_guard lock(mutex_);
  routers_ = std::move(routers);
}

void loop_gate::close() {
  std::vector<caf::strong_actor_ptr> released;
  const std::lock_guard lock(mutex_);
  released.swap(routers_);
}

bool loop_gate::post(std::size_t reactor_index, posted_work::function work) {
  const std::lock_guard lock(mutex_);
  if (reactor_index >= routers_.size()) return false;
  weft::post(routers_[reactor_index], std::move(work));
  return true;
}

std::optional<std::size_t> loop_gate::here() const {
  const auto& current = current_loop();
  if (!current) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(routers_, current);
  if (found == routers_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - routers_.begin());
}

}  // namespace weft
