// What the end of an attempt says of the instance that it was sent to: how long its method takes, whether the
// instance is to be left out for a while.
#pragma once

#include <cstdint>
#include <random>
#include <string_view>

#include "actors/balance/hedging.hpp"
#include "actors/registry/routing_table.hpp"
#include "actors/router/connections.hpp"
#include "actors/telemetry/log_budget.hpp"

namespace weft {

struct call;

class verdicts {
 public:
  verdicts(router_site& site, connections& entries, hedging& latencies, std::minstd_rand& random) noexcept
      : site_(site), connections_(entries), hedging_(latencies), random_(random) {}

  /// An attempt of the call came to `code` after `took`.
  void note(const call& c, endpoint_state& instance, std::int32_t code, coro::clock::duration took);

 private:
  bool has_well_instance_beside(const route& serving, const endpoint_state& instance);
  void tell_ejection(std::string_view method, const endpoint_state& instance, const route& serving);

  router_site& site_;
  connections& connections_;
  hedging& hedging_;
  std::minstd_rand& random_;
  /// Lines about ejections.
  log_budget lines_;
};

}  // namespace weft
