// How many lines a second about what others do may go into the log, so that they cannot flood it.
//
// Not thread-safe: one per actor.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "actors/coro/executor.hpp"

namespace weft {

class log_budget {
 public:
  explicit log_budget(std::uint32_t lines_per_second = 1) noexcept : most_(lines_per_second) {}

  /// How many lines were left out since the last one that was allowed; nothing when this one is to be left
  /// out as well.
  std::optional<std::uint64_t> take(coro::clock::time_point now) noexcept {
    if (now >= next_) {
      next_ = now + interval;
      taken_ = 0;
    }
    if (taken_ >= most_) {
      ++left_out_;
      return std::nullopt;
    }
    ++taken_;
    return std::exchange(left_out_, 0);
  }

 private:
  static constexpr auto interval = std::chrono::seconds(1);

  std::uint32_t most_;
  std::uint32_t taken_ = 0;
  coro::clock::time_point next_{};
  std::uint64_t left_out_ = 0;
};

/// For the end of a line; empty when none was left out.
inline std::string left_out_note(std::uint64_t lines) {
  return lines == 0 ? std::string() : fmt::format(" ({} such lines left out)", lines);
}

}  // namespace weft
