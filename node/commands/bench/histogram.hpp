// Latency histogram with log-linear buckets, as in HdrHistogram: every power of two is cut into 128 equal
// buckets, so a reported value differs from the recorded one by less than 1 %, over the whole range of 64
// bits.
//
// Recording allocates nothing. Thread safety: none.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft::tools {

class histogram {
 public:
  histogram() : buckets_(bucket_count) {}

  void record(std::uint64_t value) noexcept {
    ++buckets_[index_of(value)];
    ++count_;
    sum_ += static_cast<double>(value);
    if (value > max_) max_ = value;
    if (value < min_) min_ = value;
  }
  void clear() noexcept;

  std::uint64_t count() const noexcept { return count_; }
  std::uint64_t min() const noexcept { return count_ == 0 ? 0 : min_; }
  /// Exact, as are `min` and `mean`.
  std::uint64_t max() const noexcept { return max_; }
  double mean() const noexcept { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

  /// The value that the fraction `quantile` (0 to 1) of all recorded values does not exceed; 0 when empty.
  std::uint64_t quantile(double fraction) const noexcept;

 private:
  static constexpr unsigned precision_bits = 7;
  static constexpr std::size_t bucket_count = (64 - precision_bits + 1) << precision_bits;

  static std::size_t index_of(std::uint64_t value) noexcept {
    // Below 2^8 every value has a bucket of its own.
    unsigned shift = value >> (precision_bits + 1) == 0 ? 0 : std::bit_width(value) - (precision_bits + 1);
    return (static_cast<std::size_t>(shift) << precision_bits) + static_cast<std::size_t>(value >> shift);
  }
  static std::uint64_t middle_of(std::size_t index) noexcept;

  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
  std::uint64_t min_ = UINT64_MAX;
  double sum_ = 0;
};

}  // namespace weft::tools
