// The checks that requests pass before anything is done with them: a new one is a function and a row.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "actors/router/calls.hpp"
#include "actors/router/gatekeeper.hpp"

namespace weft {

/// What the checks of a request look at.
struct check_view {
  const router_site& site;
  const calls& book;
  const gatekeeper& gate;
  records& told;
};

// -- what is wrong with a request, if anything is
/// With any message that asks for something.
std::optional<rpc_error> check_message(const check_view& of, const request& r);
/// With one that is no control message.
std::optional<rpc_error> check_call(const check_view& of, const request& r);
/// The time of a request that names no deadline.
inline std::chrono::milliseconds usual_deadline(const protocol_options& of) noexcept {
  return std::min(of.default_deadline, of.max_deadline);
}
/// Sets the deadline to what the request says, unless that is wrong.
std::optional<rpc_error> take_deadline(const router_site& site, request& r);

}  // namespace weft
