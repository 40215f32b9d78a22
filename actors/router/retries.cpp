#include "actors/router/retries.hpp"

#include <algorithm>

#include "actors/router/streams.hpp"

namespace weft {

bool is_idempotent(const route& serving) {
  return !serving.endpoints.empty() && std::ranges::all_of(serving.endpoints, &endpoint::idempotent);
}

bool retries::take_budget() {
  if (budget_.take(site_.now())) return true;
  site_.metrics().add(metric::retry_budget_exhausted);
  return false;
}

std::optional<std::chrono::milliseconds> retries::wait_before_next(call& c, const rpc_error& error,
                                                                   const route& serving) {
  const auto& policy = site_.options.balance.retry;
  const bool goes_on = c.stream && streams::is_resumable(c);
  const failed_attempt failed{error, c.attempts.tried.count(), goes_on || is_idempotent(serving),
                              serving.endpoints.size()};
  if (!is_retryable(failed, policy)) return std::nullopt;
  c.attempts.may_have_run = c.attempts.may_have_run || !provably_not_executed(error);
  if (!take_budget()) return std::nullopt;
  const auto wait = retry_wait(failed, policy, random_);
  if (site_.now() + wait >= c.asked.deadline) return std::nullopt;
  site_.metrics().add(metric::retries);
  return wait;
}

}  // namespace weft
