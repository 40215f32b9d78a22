// When a load is warming up, measured, told about, and over.
#pragma once

#include <algorithm>
#include <cstdint>

#include "node/commands/bench/load_clock.hpp"
#include "node/commands/bench/load_outcome.hpp"
#include "node/commands/bench/options.hpp"

namespace weft::tools {

/// However late the measurement begins, because this process had no CPU: it lasts as long as it should.
class measured_time {
 public:
  explicit measured_time(const bench_options& options) noexcept
      : warmup_ns_(options.warmup.count()), duration_ns_(options.duration.count()) {}

  void begin(std::int64_t now) noexcept {
    from_ = now + warmup_ns_;
    to_ = from_ + duration_ns_;
    begin_progress(now);
  }
  bool is_over(std::int64_t now) const noexcept { return measuring_ && now >= to_; }
  /// When something is due next.
  std::int64_t next() const noexcept { return std::min(measuring_ ? to_ : from_, next_progress_); }
  std::int64_t end() const noexcept { return to_; }

  bool measurement_is_due(std::int64_t now) const noexcept { return !measuring_ && now >= from_; }
  void begin_measuring(std::int64_t now) noexcept {
    measuring_ = true;
    from_ = now;
    to_ = now + duration_ns_;
    begin_progress(now);
    cpu_.begin();
  }
  bool measuring() const noexcept { return measuring_; }
  /// Enters what was measured until now, and returns its length in seconds.
  double end_measuring(std::int64_t now, load_outcome& outcome) const noexcept {
    outcome.cpu_user = cpu_.user();
    outcome.cpu_system = cpu_.system();
    outcome.elapsed = since_begin(now);
    return to_seconds(now - from_);
  }
  /// Negative while warming up.
  std::chrono::nanoseconds since_begin(std::int64_t now) const noexcept {
    return std::chrono::nanoseconds(now - from_);
  }

  bool progress_is_due(std::int64_t now) const noexcept { return now >= next_progress_; }
  /// The seconds since progress was told last.
  double begin_progress(std::int64_t now) noexcept {
    const double seconds = to_seconds(now - last_progress_);
    last_progress_ = now;
    next_progress_ = now + second_ns;
    return seconds;
  }

 private:
  static double to_seconds(std::int64_t nanoseconds) noexcept {
    return static_cast<double>(nanoseconds) / 1e9;
  }

  std::int64_t warmup_ns_;
  std::int64_t duration_ns_;
  bool measuring_ = false;
  std::int64_t from_ = 0;
  std::int64_t to_ = 0;
  std::int64_t last_progress_ = 0;
  std::int64_t next_progress_ = 0;
  cpu_meter cpu_;
};

}  // namespace weft::tools
