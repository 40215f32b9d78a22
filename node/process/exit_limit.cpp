#include "node/process/exit_limit.hpp"

#include <utility>

namespace weft {

exit_limit::exit_limit(std::chrono::steady_clock::time_point deadline, std::function<void()> overdue)
    : thread_([this, deadline, overdue = std::move(overdue)] {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_until(lock, deadline, [this] { return done_; })) overdue();
      }) {}

exit_limit::~exit_limit() {
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

}  // namespace weft
