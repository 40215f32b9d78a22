// A thread that waits, and can be told by another one not to: from then on, it waits no more.
//
// Thread safety: all of it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace weft {

class interruptible_wait {
 public:
  /// False when it was interrupted, now or before.
  bool wait_for(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return !signal_.wait_for(lock, time, [this] { return interrupted_; });
  }
  void interrupt() {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
    signal_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable signal_;
  bool interrupted_ = false;
};

}  // namespace weft
