// One try of a call at an instance, and all that a call has had.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "actors/admission/admission.hpp"
#include "actors/balance/endpoint.hpp"
#include "actors/balance/retry.hpp"
#include "actors/coro/executor.hpp"
#include "actors/router/list_place.hpp"

namespace weft {

struct call;

/// One try of a call at an instance; a call has two at most, the second one when it is hedged.
struct attempt {
  enum class target : std::uint8_t { none, connection, router };

  call* of = nullptr;
  target to = target::none;
  std::uint8_t which = 0;
  /// The connection that it was sent to, of this reactor or of the other one.
  connection_key callee;
  std::size_t target_reactor = 0;
  std::shared_ptr<endpoint_state> instance;
  /// The permit of the method, or of all its instances; given back when the attempt ends.
  std::shared_ptr<admission_state> permit;
  coro::clock::time_point started{};
  /// Bytes queued for the callee before this request: tells whether a lost connection can have seen it.
  std::uint64_t queued_before = 0;
  /// Its place among the attempts at the same callee.
  list_place<attempt> place;

  bool under_way() const noexcept { return to != target::none; }
};

/// The tries of a call: those under way, and what those before came to.
struct call_attempts {
  explicit call_attempts(call& of) noexcept {
    for (auto& a : under_way) a.of = &of;
    under_way[1].which = 1;
  }
  attempt& operator[](std::size_t which) noexcept { return under_way[which]; }
  const attempt& operator[](std::size_t which) const noexcept { return under_way[which]; }
  auto begin() noexcept { return under_way.begin(); }
  auto end() noexcept { return under_way.end(); }
  bool any() const noexcept { return under_way[0].under_way() || under_way[1].under_way(); }

  std::array<attempt, 2> under_way;
  tried_instances tried;
  /// An attempt ended without saying whether the method ran.
  bool may_have_run = false;
};

inline list_place<attempt>& place_of(attempt& a) noexcept {
  return a.place;
}

}  // namespace weft
