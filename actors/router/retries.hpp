// Whether a call whose attempt has failed is tried again, and after how long: what its policy, its method and
// the budget say.
#pragma once

#include <chrono>
#include <optional>
#include <random>

#include "actors/balance/retry.hpp"
#include "actors/registry/routing_table.hpp"
#include "actors/router/call.hpp"
#include "actors/router/site.hpp"

namespace weft {

class retries {
 public:
  retries(router_site& site, std::minstd_rand& random) noexcept
      : site_(site), random_(random), budget_(site.options.balance.retry, site.now()) {}

  /// A call pays in with its first attempt.
  void on_call() noexcept { budget_.on_call(); }
  /// True, and paid for, when one attempt more is allowed now.
  bool take_budget();
  /// Nothing when the call is not tried again.
  std::optional<std::chrono::milliseconds> wait_before_next(call& c, const rpc_error& error,
                                                            const route& serving);

 private:
  router_site& site_;
  std::minstd_rand& random_;
  retry_budget budget_;
};

/// Every instance of the method says that it may run twice.
bool is_idempotent(const route& serving);

}  // namespace weft
