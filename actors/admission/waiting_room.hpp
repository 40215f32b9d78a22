// The calls of one router that wait for permits, by method pattern, and the permits that came back in this
// turn. It never starts a call: it says whose turn it is.
//
// Thread safety: none; `admission_state` is what routers share.
#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>
#include <vector>

#include "actors/admission/admission.hpp"

namespace weft {

class waiting_room {
 public:
  using clock = admission_queue::clock;
  using permits = std::shared_ptr<admission_state>;

  /// `reactor_index`: the router's, of `count`.
  waiting_room(const limit_options& limits, std::size_t reactor_index, std::size_t count) noexcept
      : limits_(limits), reactor_index_(reactor_index), count_(count) {}

  /// May a call that comes now go at once? Whoever waits already goes first.
  bool has_permit(const admission_state& of) const { return !of.full() && !queues_.contains(&of); }
  std::size_t length(const admission_state& of) const;

  void push(waiting_call& c, const permits& of, clock::time_point now);
  /// How long it has waited.
  std::chrono::nanoseconds remove(waiting_call& c, const permits& of, clock::time_point now);

  /// A permit may have come back.
  void freed(permits of);
  bool any_freed() const noexcept { return !freed_.empty(); }
  /// The next one of these, and the router whose turn it is to use it: in turn, or the reactor that frees the
  /// most would serve only its own callers. REQUIRES: there is one.
  struct offer {
    permits of;
    /// `count` when nobody waits.
    std::size_t reactor_index;
  };
  offer next_offer();
  /// Every limit that is waited for here may have room: an instance may have come.
  void offer_all();

  /// Who has waited longest, null when nobody waits.
  waiting_call* first(const admission_state& of) const;
  /// Has it waited longer than it may?
  bool is_late(const waiting_call& c, const admission_state& of, clock::time_point now) const;

 private:
  struct queue {
    permits of;
    admission_queue calls;
  };

  const limit_options& limits_;
  std::size_t reactor_index_;
  std::size_t count_;
  std::unordered_map<const admission_state*, queue> queues_;
  std::vector<permits> freed_;
};

}  // namespace weft
