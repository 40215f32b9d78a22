// How many lines a second about what others do wrong may go into the log, so that they cannot flood it.
//
// Not thread-safe: one per actor.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "actors/coro/executor.hpp"

namespace weft {

class log_budget {
 public:
  /// How many lines were left out since the last one that was allowed; nothing when this one is to be left
  /// out as well.
  std::optional<std::uint64_t> take(coro::clock::time_point now) noexcept {
    if (now < next_) {
      ++left_out_;
      return std::nullopt;
    }
    next_ = now + interval;
    return std::exchange(left_out_, 0);
  }

 private:
  static constexpr auto interval = std::chrono::seconds(1);

  coro::clock::time_point next_{};
  std::uint64_t left_out_ = 0;
};

}  // namespace weft
