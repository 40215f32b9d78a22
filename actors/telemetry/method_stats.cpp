#include "actors/telemetry/method_stats.hpp"

namespace weft {

duration_histogram& method_stats::of(std::int32_t code) {
  for (auto& e : errors_) {
    if (e->code == code) return e->durations;
  }
  if (errors_.size() >= max_codes) code = other_code;
  if (errors_.size() > max_codes) return errors_.back()->durations;
  if (budget_ != nullptr && !budget_->take(owner_)) return overflow_->of(code);
  errors_.push_back(std::make_unique<error_series>());
  errors_.back()->code = code;
  return errors_.back()->durations;
}

}  // namespace weft
