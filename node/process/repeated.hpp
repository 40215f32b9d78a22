// Something that is done again and again on a thread of its own, until its end.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

namespace weft {

/// Thread safety: none but that of `act`, which must not throw.
class repeated {
 public:
  repeated(std::chrono::milliseconds interval, std::function<void()> act)
      : thread_([interval, act = std::move(act)](const std::stop_token& stopping) {
          std::mutex mutex;
          std::condition_variable_any ended;
          std::unique_lock lock(mutex);
          while (!ended.wait_for(lock, stopping, interval, [&] { return stopping.stop_requested(); })) act();
        }) {}

 private:
  std::jthread thread_;
};

}  // namespace weft
