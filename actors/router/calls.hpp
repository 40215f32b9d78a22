// The book of calls under way: where each is opened, counted against its caller, cancelled, and where each
// ends.
#pragma once

#include <string>
#include <string_view>

#include "actors/router/attempts.hpp"
#include "actors/router/call_answers.hpp"
#include "actors/router/call_table.hpp"

namespace weft {

class calls {
 public:
  calls(router_site& site, connections& entries, answers& replies, records& told, permits& limited,
        attempts& tries, call_answers& outcomes) noexcept
      : site_(site),
        connections_(entries),
        answers_(replies),
        records_(told),
        permits_(limited),
        attempts_(tries),
        outcomes_(outcomes) {}

  // -- opening
  /// Null when the request was refused, and that was answered.
  call* open(request& r, method_stats& stats);
  /// For a coroutine of this process.
  call& open(outbound_slot& waiter, coro::clock::time_point deadline);
  /// For an attempt of another router.
  call& open(std::size_t origin_reactor, attempt_key origin);
  bool is_full() const noexcept { return table_.size() >= site_.options.limits.calls_per_reactor; }
  /// Counts `bytes` that are kept of the request; false when the call was refused instead.
  bool hold(call& c, std::size_t bytes);
  /// Waits for a permit, or is refused.
  void wait(call& c, const permits::limit& of);
  void waited_too_long(call& c);

  // -- finding
  call* find(call_key key) const noexcept { return table_.find(key); }
  call* find(connection_key caller, std::string_view raw_id) const noexcept {
    return table_.find(caller, raw_id);
  }
  call* find(std::size_t origin_reactor, attempt_key origin) const;
  attempt* find(attempt_key key) const noexcept;
  /// The attempt that a message of the callee names, if it does.
  attempt* named_by(const connection_entry& callee, std::string_view raw_id) const noexcept;
  /// Calls whose callers wait.
  std::size_t awaited() const noexcept { return table_.size() - left_behind_; }

  template <class Visit>
  void for_each(Visit&& visit) {
    table_.for_each(visit);
  }

  // -- ending
  /// The one end of every call: told, answered, closed.
  void settle(call& c, const outcome& o);
  /// The same with an error, of which it is known that an earlier attempt may have run the method.
  void settle_failed(call& c, rpc_error error);
  /// With RESOURCE_EXHAUSTED.
  void refuse(call& c, std::string why);
  /// The callee has not answered the cancellation in time.
  void on_late_cancellation(call& c);
  /// The first half of `settle`, since the callee has not answered the cancellation in time, or the caller is
  /// gone: the caller is told, the callee keeps its place.
  void leave_behind(call& c, const outcome& o);
  /// The second half; `answered` when the callee has finished after all.
  void close_left_behind(call& c, bool answered);

  // -- taking back
  /// Tells whoever works on it. `awaited`: the caller still waits for the answer to the cancellation.
  void cancel(call& c, coro::cancel_reason why, bool awaited = false);
  /// A cancelled call that nobody waits for any more.
  void abandon(call& c);
  /// The caller is gone, or a node whose own caller is.
  void hang_up(connection_entry& caller, call& c);
  /// Everything that this connection has asked for.
  void cancel_all_of(connection_entry& caller);

  void arm_deadline(call& c);

 private:
  /// Why its caller may have no more calls under way, empty when it may; then its place is taken.
  std::string why_full(const connection_entry& entry, const usage& charged);
  connection_entry* caller_of(const call& c) noexcept {
    return c.from == call::origin::connection ? connections_.find(c.caller.key) : nullptr;
  }
  void close(call& c);
  void close_stream(const call& c);
  /// Whoever works on the call has a limit for that: it counts there whether its caller is gone or not.
  bool counts_without_caller(const call& c) const;
  /// The call is none of its caller's any more.
  void outlive(connection_entry& caller, call& c);
  void let_go(call& c);

  router_site& site_;
  connections& connections_;
  answers& answers_;
  records& records_;
  permits& permits_;
  attempts& attempts_;
  call_answers& outcomes_;
  call_table table_{site_.timers};
  std::size_t held_bytes_ = 0;
  std::size_t left_behind_ = 0;
};

}  // namespace weft
