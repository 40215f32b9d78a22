// Recent latencies of one method, for percentiles of the last seconds. Not thread-safe: each router has its
// own.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <optional>

namespace weft {

class latency_window {
 public:
  using clock = std::chrono::steady_clock;

  /// Below this a percentile would be a guess. Answers are at most one eighth too high.
  static constexpr std::uint64_t least_samples = 20;
  static constexpr std::chrono::seconds length{5};

  void observe(std::chrono::nanoseconds latency, clock::time_point now) noexcept {
    rotate(now);
    ++current_.counts[bucket_of(latency)];
    ++current_.total;
  }

  /// Nothing when too little was observed lately.
  std::optional<std::chrono::nanoseconds> percentile(std::uint32_t percent, clock::time_point now) noexcept {
    rotate(now);
    const auto total = current_.total + previous_.total;
    if (total < least_samples) return std::nullopt;
    const auto wanted = (total * percent + 99) / 100;
    std::uint64_t seen = 0;
    std::size_t i = 0;
    while (i + 1 < bucket_count && (seen += current_.counts[i] + previous_.counts[i]) < wanted) ++i;
    return std::chrono::nanoseconds(upper_bound_ns(i));
  }

 private:
  // Eight steps to each power of two, from 1 µs on: 27 powers reach beyond two minutes.
  static constexpr unsigned steps_log2 = 3;
  static constexpr std::size_t bucket_count = std::size_t{27} << steps_log2;

  struct half {
    std::array<std::uint32_t, bucket_count> counts{};
    std::uint64_t total = 0;
  };

  static std::size_t bucket_of(std::chrono::nanoseconds latency) noexcept {
    const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(1, latency.count() / 1'000));
    const auto scaled = us << steps_log2;
    const auto power = static_cast<unsigned>(std::bit_width(us)) - 1;
    const auto step = (scaled >> power) & ((1U << steps_log2) - 1);
    return std::min<std::size_t>((std::size_t{power} << steps_log2) + step, bucket_count - 1);
  }
  static std::int64_t upper_bound_ns(std::size_t bucket) noexcept {
    const auto power = bucket >> steps_log2;
    const auto step = (bucket & ((1U << steps_log2) - 1)) + (1U << steps_log2) + 1;
    return static_cast<std::int64_t>((std::uint64_t{step} << power) * 1'000 >> steps_log2);
  }

  void rotate(clock::time_point now) noexcept {
    if (now - began_ < length) return;
    previous_ = now - began_ < 2 * length ? current_ : half{};
    current_ = {};
    began_ = now;
  }

  half current_;
  half previous_;
  clock::time_point began_{};
};

}  // namespace weft
