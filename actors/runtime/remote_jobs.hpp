// Jobs that other threads have for a reactor, and the descriptor that wakes its loop for them.
//
// Ownership: holds a reference to each job until it is taken. Thread safety: `push` and `wake` may be used
// from any thread, everything else only by the loop.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include <caf/resumable.hpp>

#include "actors/runtime/ready_queue.hpp"

namespace weft {

class remote_jobs {
 public:
  /// Throws std::system_error when the kernel refuses an event descriptor.
  remote_jobs();
  ~remote_jobs();
  remote_jobs(const remote_jobs&) = delete;
  remote_jobs& operator=(const remote_jobs&) = delete;

  void push(caf::resumable* job);
  /// One write per burst: whoever finds that a wake-up is on its way leaves it at that.
  void wake() noexcept;

  /// Readable when there is something to take.
  int descriptor() const noexcept { return descriptor_; }
  void move_to(ready_queue& ready);

 private:
  int descriptor_;
  std::atomic<bool> wake_pending_{false};
  std::mutex mutex_;
  std::vector<caf::resumable*> jobs_;
  /// What `move_to` has under way.
  std::vector<caf::resumable*> taken_;
};

}  // namespace weft
