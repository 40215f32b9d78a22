// The closed set of metrics a node counts, and their per-reactor storage.
//
// Each reactor writes its own `metrics` block from its own thread with plain relaxed stores; a scrape reads
// all blocks from another thread and adds them up. Nothing on the hot path takes a lock or a locked
// instruction.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft {

/// The `_ns` types are counted in nanoseconds and exported in seconds, the base unit.
enum class metric_type : std::uint8_t { counter, gauge, counter_ns, gauge_ns };

struct metric_info {
  std::string_view family;
  metric_type type;
  /// One fixed label, empty for none. Client-controlled strings never become labels.
  std::string_view label;
  std::string_view value;
  std::string_view help;
};

enum class metric : std::size_t {
#define WEFT_METRIC(id, family, type, label, value, help) id,
#include "actors/runtime/metric_table.inc"
#undef WEFT_METRIC
};

inline constexpr metric_info metric_table[] = {
#define WEFT_METRIC(id, family, type, label, value, help) {family, metric_type::type, label, value, help},
#include "actors/runtime/metric_table.inc"
#undef WEFT_METRIC
};
inline constexpr std::size_t metric_count = std::size(metric_table);

/// A number with one writer and any number of readers.
class single_writer_value {
 public:
  void add(std::int64_t n) noexcept { value_.store(get() + n, std::memory_order_relaxed); }
  void set(std::int64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
  std::int64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// Upper bounds of the call duration buckets, in nanoseconds; the last bucket is +Inf. OTel's begin at 5 ms,
/// which is too coarse for calls of tens of microseconds.
inline constexpr std::array<std::int64_t, 18> duration_bounds_ns = {
    50'000,      100'000,     250'000,     500'000,       1'000'000,     2'500'000,
    5'000'000,   10'000'000,  25'000'000,  50'000'000,    75'000'000,    100'000'000,
    250'000'000, 500'000'000, 750'000'000, 1'000'000'000, 5'000'000'000, 10'000'000'000};

class duration_histogram {
 public:
  void observe(std::chrono::nanoseconds d) noexcept {
    const std::int64_t ns = d.count();
    std::size_t i = 0;
    while (i < duration_bounds_ns.size() && ns > duration_bounds_ns[i]) ++i;
    buckets_[i].add(1);
    sum_ns_.add(ns);
  }
  std::int64_t bucket(std::size_t i) const noexcept { return buckets_[i].get(); }
  std::int64_t sum_ns() const noexcept { return sum_ns_.get(); }

 private:
  std::array<single_writer_value, duration_bounds_ns.size() + 1> buckets_;
  single_writer_value sum_ns_;
};

/// One reactor's numbers of `metric_table`.
class metrics {
 public:
  void add(metric m, std::int64_t n = 1) noexcept { values_[static_cast<std::size_t>(m)].add(n); }
  void set(metric m, std::int64_t n) noexcept { values_[static_cast<std::size_t>(m)].set(n); }
  std::int64_t get(metric m) const noexcept { return values_[static_cast<std::size_t>(m)].get(); }

 private:
  std::array<single_writer_value, metric_count> values_;
};

}  // namespace weft
