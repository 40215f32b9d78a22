// Writes lines to a descriptor from a thread of its own, so that whoever has something to say never waits for
// whoever reads it: a pipe that nobody empties, a terminal that is stopped, a slow disk.
//
// spdlog's asynchronous logger is not used, since its end waits for the descriptor as long as that takes.
//
// Thread safety: everything may be called from any thread. Errors: a line that finds no room, or that the
// descriptor does not take, is dropped and counted.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace weft {

class line_writer {
 public:
  /// `on_error` gets the errno of a write that failed, in the writer's thread.
  line_writer(int fd, std::size_t queue_bytes, std::function<void(int)> on_error = {});
  line_writer(const line_writer&) = delete;
  line_writer& operator=(const line_writer&) = delete;
  /// Waits for what is queued, at most `timeout`; then a thread that still writes is left behind.
  ~line_writer();

  /// False when the line was dropped, since with it more than `queue_bytes` would wait.
  bool add(std::string line);

  /// True once everything added before is written or dropped.
  bool flush(std::chrono::milliseconds at_most);

  std::uint64_t dropped_full() const noexcept;
  std::uint64_t dropped_failed() const noexcept;

 private:
  static constexpr std::chrono::milliseconds timeout{1'000};

  struct state;
  static void run(const std::shared_ptr<state>& shared);

  std::shared_ptr<state> shared_;
  std::thread thread_;
};

}  // namespace weft
