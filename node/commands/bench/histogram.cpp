#include "node/commands/bench/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace weft::tools {

void histogram::clear() noexcept {
  std::ranges::fill(buckets_, 0);
  count_ = 0;
  max_ = 0;
  min_ = UINT64_MAX;
  sum_ = 0;
}

std::uint64_t histogram::middle_of(std::size_t index) noexcept {
  constexpr std::size_t per_octave = std::size_t{1} << precision_bits;
  if (index < 2 * per_octave) return index;
  auto shift = static_cast<unsigned>(index / per_octave) - 1;
  std::uint64_t mantissa = index - (static_cast<std::size_t>(shift) << precision_bits);
  return (mantissa << shift) + (std::uint64_t{1} << shift) / 2;
}

std::uint64_t histogram::quantile(double fraction) const noexcept {
  if (count_ == 0) return 0;
  double wanted = std::ceil(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count_));
  auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
  if (rank == count_) return max_;
  std::uint64_t seen = 0;
  for (std::size_t index = 0; index < buckets_.size(); ++index) {
    seen += buckets_[index];
    if (seen >= rank) return std::clamp(middle_of(index), min_, max_);
  }
  return max_;
}

}  // namespace weft::tools
