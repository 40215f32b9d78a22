#include <stdexcept>

#include "actors/service/loops.hpp"
#include "weft/coro.hpp"

namespace weft {

coro::sleep_awaiter sleep_for(coro::clock::duration time) {
  auto* const here = current_executor();
  if (here == nullptr) throw std::logic_error("sleep_for without a context is for coroutines that weft runs");
  return coro::sleep_for(coro::cancel_scope(*here), time);
}

}  // namespace weft
