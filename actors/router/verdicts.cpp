#include "actors/router/verdicts.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "actors/balance/outlier.hpp"
#include "actors/balance/retry.hpp"
#include "actors/router/call.hpp"

namespace weft {

void verdicts::note(const call& c, endpoint_state& instance, std::int32_t code, coro::clock::duration took) {
  const auto now = site_.now();
  const bool ok = !is_instance_failure(code);
  instance.end(ok, took, now);
  const bool hedged = ok && hedging_.enabled() && !c.asked.local_only && hedging_.covers(c.asked.method);
  const auto* serving = ok && !hedged ? nullptr : site_.routes->find(c.asked.method);
  if (hedged && serving != nullptr) hedging_.observe(serving->pattern, took, now);
  const auto another_is_well = [&] {
    return serving != nullptr && has_well_instance_beside(*serving, instance);
  };
  if (!judge_instance(instance, ok, site_.options.balance.ejection, now, random_, another_is_well)) return;
  site_.metrics().add(metric::ejections);
  if (serving != nullptr) tell_ejection(c.asked.method, instance, *serving);
}

bool verdicts::has_well_instance_beside(const route& serving, const endpoint_state& instance) {
  const auto now = site_.now();
  return std::ranges::any_of(serving.endpoints, [&](const endpoint& e) {
    return e.state.get() != &instance && !e.leaving &&
           e.state->state(now) == endpoint_state::health::healthy && connections_.takes_calls(e.connection);
  });
}

void verdicts::tell_ejection(std::string_view method, const endpoint_state& instance, const route& serving) {
  const auto left_out = lines_.take(site_.now());
  if (!left_out) return;
  const auto of =
      std::ranges::find(serving.endpoints, &instance, [](const endpoint& e) { return e.state.get(); });
  if (of == serving.endpoints.end()) return;
  site_.shared.log->warn(
      "'{}' on node {} fails and is left out for a while, for '{}' ({} such lines left out)",
      of->service.empty() ? of->node : of->service, of->node, method, *left_out);
}

}  // namespace weft
