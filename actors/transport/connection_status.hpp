// Figures of one connection: written by it, read by its router on the same thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace weft {

struct connection_status {
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t frames_read = 0;
  std::chrono::steady_clock::time_point opened{};
  std::chrono::steady_clock::time_point last_read{};
  std::size_t pending_output = 0;
  /// Bytes of the frame that is not complete yet.
  std::size_t unfinished_bytes = 0;
};

}  // namespace weft
