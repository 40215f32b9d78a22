// One call under way: who asked, what is asked, who works on it, when it must be over.
//
// Only calls that are not answered at once have a record: coroutine and blocking handlers, calls to other
// connections. Records are recycled by their table; keys carry a generation, so a late result finds nothing
// and does no harm.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/admission/admission.hpp"
#include "actors/balance/endpoint.hpp"
#include "actors/balance/retry.hpp"
#include "actors/coro/context.hpp"
#include "actors/coro/executor.hpp"
#include "actors/messages/result.hpp"
#include "actors/router/splice.hpp"
#include "actors/router/stream_state.hpp"
#include "actors/telemetry/call_record.hpp"
#include "actors/telemetry/call_stats.hpp"

namespace weft {

struct batch_answers;
struct call;
struct local_method;
struct usage;

/// Whoever is told that a call's timer has expired.
class call_owner {
 public:
  virtual void on_call_timer(call& c) = 0;

 protected:
  ~call_owner() = default;
};

/// One try of a call at an instance; a call has two at most, the second one when it is hedged.
struct attempt {
  enum class target : std::uint8_t { none, connection, router };

  call* of = nullptr;
  target to = target::none;
  std::uint8_t which = 0;
  /// Of this reactor, or of the other one.
  connection_key callee;
  std::size_t target_shard = 0;
  std::shared_ptr<endpoint_state> instance;
  /// Of the method, or of all its instances; given back when the attempt ends.
  std::shared_ptr<admission_state> permit;
  coro::clock::time_point started{};
  /// Bytes queued for the callee before this request: tells whether a lost connection can have seen it.
  std::uint64_t queued_before = 0;
  // List of the callee's.
  attempt* previous = nullptr;
  attempt* next = nullptr;

  bool under_way() const noexcept { return to != target::none; }
};

struct call final : coro::timer, waiting_call {
  enum class origin : std::uint8_t { none, connection, coroutine, router };
  enum class handler : std::uint8_t { none, coroutine, blocking };
  /// What its timer is set for, when not for its deadline: `retry` and `queue` have no attempt.
  /// `half_closed`: a stream whose caller may be gone, and otherwise grants no more.
  enum class pause : std::uint8_t { none, retry, queue, hedge, cancel, half_closed };

  call();
  attempt_key key_of(const attempt& a) const noexcept { return {key, a.which}; }
  bool has_deadline() const noexcept { return deadline - started < stream_without_deadline; }
  bool being_tried() const noexcept { return attempts[0].under_way() || attempts[1].under_way(); }
  /// Nobody works on it now.
  bool idle() const noexcept { return running == handler::none && !being_tried(); }
  void reset();

  call_key key;
  call_owner* owner = nullptr;

  // -- who asked
  origin from = origin::none;
  bool notification = false;
  /// Its caller asked for the cancellation, so an error answer becomes -32800.
  bool cancelled = false;
  /// Its caller was answered while the callee still works: it counts against both until the callee's answer.
  bool left_behind = false;
  connection_key caller;
  /// The id as the caller sent it, empty for a notification.
  std::string raw_id;
  batch_answers* group = nullptr;
  std::uint32_t group_part = 0;
  outbound_slot* waiter = nullptr;
  /// The reactor it came from, and the attempt there.
  std::size_t origin_shard = 0;
  attempt_key origin_attempt;
  /// The peer that a handler calls by name.
  std::string peer_called;
  call* caller_previous = nullptr;
  call* caller_next = nullptr;

  // -- what is asked, to be sent to an instance, and to another one after that
  std::string method;
  std::string request;
  request_spans spans;
  std::string route_key;
  bool local_only = false;
  /// What it is charged to, if a connection asked; stays where it is as long as the call.
  usage* charged = nullptr;
  /// Bytes of `request` and of params, as far as they count towards the limit.
  std::size_t held_bytes = 0;

  // -- who works on it
  handler running = handler::none;
  /// Both ends are in this process.
  bool in_process = false;
  /// Of the handler; cancelling it cancels everything the handler waits for.
  std::optional<coro::context> context;
  std::array<attempt, 2> attempts;
  tried_instances tried;
  pause paused = pause::none;
  /// An attempt ended without saying whether the method ran.
  bool may_have_run = false;
  /// The limit that it waits for, and the method of this process, if it waits for one.
  std::shared_ptr<admission_state> waits_for;
  const local_method* local = nullptr;

  /// Of a call that streams.
  std::unique_ptr<stream_state> stream;

  // -- when, and what is told of it
  coro::clock::time_point started{};
  coro::clock::time_point deadline{};
  method_stats* stats = nullptr;
  call_trace trace;

  // Chain of the id index.
  call* index_next = nullptr;
  std::uint64_t index_hash = 0;

 private:
  void on_expiry() override { owner->on_call_timer(*this); }
};

}  // namespace weft
