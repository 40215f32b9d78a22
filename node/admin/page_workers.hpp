// Threads that make pages: asking the reactors and the registry may take seconds, and whoever does it must
// not be the one that answers health checks.
//
// Thread safety: everything may be called from any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace weft {

class page_workers {
 public:
  page_workers(std::size_t threads, std::size_t most_waiting);
  page_workers(const page_workers&) = delete;
  page_workers& operator=(const page_workers&) = delete;
  /// Waits for all that was taken.
  ~page_workers();

  /// False when too many wait already.
  bool run(std::function<void()> work);

 private:
  void serve();

  const std::size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace weft
