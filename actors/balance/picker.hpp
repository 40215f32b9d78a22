// Which instance of a method gets a call: those that are well and have room, by the method's policy; when too
// few are well, or none has room, the next best.
//
// Thread safety: none; each router has its own.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string_view>
#include <vector>

#include "actors/balance/policy.hpp"
#include "actors/balance/retry.hpp"

namespace weft {

struct pick_request {
  std::chrono::steady_clock::time_point now;
  /// Null for a notification.
  const tried_instances* tried = nullptr;
  std::string_view route_key;
  /// Another node has sent it on: it makes no second hop.
  bool local_only = false;
};

class picker {
 public:
  /// With fewer than `panic_percent` of the instances well, all of them are tried: better a call that fails
  /// than the load of all on a few.
  explicit picker(std::size_t panic_percent) noexcept : panic_percent_(panic_percent) {}

  /// Null when nobody can be called. `usable` says whether an instance's connection takes calls now.
  template <class Usable>
  const endpoint* pick(std::span<const endpoint> endpoints, const balance_policy& policy,
                       const pick_request& request, Usable&& usable);

  std::minstd_rand& random() noexcept { return random_; }

 private:
  using health = endpoint_state::health;

  static bool is_full(const endpoint& e) noexcept {
    return e.max_in_flight != 0 && e.state->in_flight() >= e.max_in_flight;
  }
  static bool was_tried(const pick_request& request, const endpoint& e) noexcept {
    return request.tried != nullptr && request.tried->contains(e.connection);
  }
  /// Better one whose node drains, an ejected one, or the same one again, than none. False when nobody is
  /// left.
  template <class Usable>
  bool gather_next_best(std::span<const endpoint> endpoints, const pick_request& request, bool panic,
                        Usable&& usable);

  std::size_t panic_percent_;
  std::vector<const endpoint*> candidates_;
  std::minstd_rand random_{std::random_device{}()};
  std::uint64_t choices_ = 0;
};

template <class Usable>
const endpoint* picker::pick(std::span<const endpoint> endpoints, const balance_policy& policy,
                             const pick_request& request, Usable&& usable) {
  std::size_t reachable = 0;
  std::size_t well = 0;
  candidates_.clear();
  for (const auto& e : endpoints) {
    if ((request.local_only && !e.local) || !usable(e)) continue;
    ++reachable;
    const auto state = e.state->state(request.now);
    if (state == health::healthy) ++well;
    if (e.leaving || was_tried(request, e) || is_full(e)) continue;
    if (state == health::probation && e.state->take_probe()) return &e;
    if (state == health::healthy) candidates_.push_back(&e);
  }
  const bool panic = well * 100 < reachable * panic_percent_;
  if ((candidates_.empty() || panic) && !gather_next_best(endpoints, request, panic, usable)) return nullptr;
  choice_context context{request.now, random_, choices_++, request.route_key};
  return policy.choose(candidates_, context);
}

template <class Usable>
bool picker::gather_next_best(std::span<const endpoint> endpoints, const pick_request& request, bool panic,
                              Usable&& usable) {
  enum { staying, leaving_well, untried, again, nobody };
  const auto rank = [&](const endpoint& e) {
    if (was_tried(request, e)) return again;
    if (panic) return e.leaving ? untried : staying;
    return e.leaving && e.state->state(request.now) == health::healthy ? leaving_well : untried;
  };
  auto best = nobody;
  for (const auto& e : endpoints) {
    if ((request.local_only && !e.local) || !usable(e) || is_full(e)) continue;
    const auto this_one = rank(e);
    if (this_one < best) candidates_.clear();
    best = std::min(best, this_one);
    if (this_one == best) candidates_.push_back(&e);
  }
  return best != nobody;
}

}  // namespace weft
