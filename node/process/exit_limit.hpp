// The end of a process that may not take longer than its drain.
//
// Thread safety: none but the one thread of its own that it has.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace weft {

/// Calls `overdue` in a thread of its own when it still exists at `deadline`: to end a process whose threads
/// are held by what cannot be interrupted, a blocking handler for example.
class exit_limit {
 public:
  exit_limit(std::chrono::steady_clock::time_point deadline, std::function<void()> overdue);
  exit_limit(const exit_limit&) = delete;
  exit_limit& operator=(const exit_limit&) = delete;
  ~exit_limit();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace weft
