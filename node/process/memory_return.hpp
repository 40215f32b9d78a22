// Gives memory that a burst left free back to the system, so that a container's limit sees what is in use.
//
// The allocator keeps what lies between blocks still in use. Searching for it holds each arena's lock for
// milliseconds, so that is done only when the process is quiet, and has grown since it was done last. A fixed
// threshold of the allocator, above which blocks are mapped one by one, would do without: it makes calls with
// frames of 600 KB more than ten times slower.
//
// Thread safety: one thread of its own; construct and destroy it anywhere.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

namespace weft {

class memory_return {
 public:
  memory_return();
  memory_return(const memory_return&) = delete;
  memory_return& operator=(const memory_return&) = delete;
  ~memory_return();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace weft
