// Handlers that block: run on CAF's scheduler, as many at once as the limits allow.
#pragma once

#include <expected>

#include <nlohmann/json.hpp>

#include "actors/router/calls.hpp"
#include "actors/service/service_host.hpp"

namespace weft {

class blocking_handlers {
 public:
  blocking_handlers(router_site& site, connections& entries, calls& book) noexcept
      : site_(site), connections_(entries), calls_(book) {}

  /// Its result comes to the router as `blocking_done`.
  void start(call& c, const method& m, nlohmann::json params);

 private:
  std::expected<usage_account, rpc_error> take_place(const call& c);

  router_site& site_;
  connections& connections_;
  calls& calls_;
};

}  // namespace weft
