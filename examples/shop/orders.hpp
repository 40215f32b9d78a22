// The orders service: a method that needs two other services, which run in other processes and other
// languages.
#pragma once

namespace weft {
class service_host;
}

namespace shop {

/// Registers `orders.create {key, user, amount_cents}`.
void add_orders(weft::service_host& services);

}  // namespace shop
