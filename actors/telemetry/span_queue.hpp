// Finished spans on their way from the routers to the exporter, which may be slow or stuck: bounded, and what
// does not fit is refused rather than waited for.
//
// Thread safety: all of it. Routers push dozens at a time, so the lock is taken rarely.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

#include "actors/telemetry/call_record.hpp"

namespace weft {

class span_queue {
 public:
  explicit span_queue(std::size_t capacity) : capacity_(capacity) {}

  /// Empties `spans`; returns how many of them were refused because the queue was full or closed.
  std::size_t push(std::vector<call_record>& spans);

  /// Waits until there are `most`, or for `timeout`, or until the queue is closed, and takes up to `most`.
  std::vector<call_record> take(std::size_t most, std::chrono::milliseconds timeout);

  /// Nothing more is accepted; what is there can still be taken, without waiting.
  void close();
  bool closed() const;

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<call_record> spans_;
  /// So many spans the thread that waits wants: it is not woken for less.
  std::size_t wanted_ = 0;
  bool closed_ = false;
};

}  // namespace weft
