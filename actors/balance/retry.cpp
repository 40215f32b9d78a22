#include "actors/balance/retry.hpp"

namespace weft {

using std::chrono::milliseconds;

bool provably_not_executed(const rpc_error& error) noexcept {
  const bool may_say_so = error.code == static_cast<std::int32_t>(error_code::unavailable) ||
                          error.code == static_cast<std::int32_t>(error_code::resource_exhausted);
  return may_say_so && error.ran == executed::no;
}

bool is_retryable(const failed_attempt& failed, const retry_options& options) noexcept {
  if (failed.attempts >= std::min(options.attempts, max_attempts)) return false;
  const bool lost = failed.error.code == static_cast<std::int32_t>(error_code::unavailable);
  return provably_not_executed(failed.error) || (lost && failed.idempotent);
}

milliseconds retry_wait(const failed_attempt& failed, const retry_options& options,
                        std::minstd_rand& random) {
  if (failed.instances > failed.attempts) return milliseconds(0);
  // `attempts` counts the first one, too.
  const auto grown = options.backoff_initial * (1 << std::min(failed.attempts - 1, 16));
  std::uniform_real_distribution<double> jitter(0.8, 1.2);
  const auto capped = static_cast<double>(std::min(grown, options.backoff_max).count());
  return milliseconds(std::max<std::int64_t>(1, static_cast<std::int64_t>(capped * jitter(random))));
}

}  // namespace weft
