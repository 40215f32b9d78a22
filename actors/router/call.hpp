// One call under way: who asked, what is asked, who works on it, when it must be over.
//
// Only what is not answered at once becomes a call: for coroutine and blocking handlers, and for other
// connections. Calls are recycled by their table; keys carry a generation, so a late result finds nothing
// and does no harm.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "actors/admission/admission.hpp"
#include "actors/coro/cancel_scope.hpp"
#include "actors/coro/executor.hpp"
#include "actors/messages/result.hpp"
#include "actors/router/attempt.hpp"
#include "actors/router/splice.hpp"
#include "actors/router/stream_state.hpp"
#include "actors/telemetry/call_record.hpp"
#include "actors/telemetry/call_stats.hpp"

namespace weft {

struct batch_answers;
struct local_method;
struct usage;

/// Whoever is told that a call's timer has expired.
class call_owner {
 public:
  virtual void on_call_timer(call& c) = 0;

 protected:
  ~call_owner() = default;
};

/// The connection that has made a call, and what it was told.
struct call_caller {
  connection_key key;
  /// The id as the caller sent it, empty for a notification.
  std::string raw_id;
  bool notification = false;
  /// It asked for the cancellation, so an error answer becomes -32800.
  bool cancelled = false;
  /// It was answered while the callee still works: the call counts against both until the callee's answer.
  bool left_behind = false;
  batch_answers* group = nullptr;
  std::uint32_t group_part = 0;
  /// What the call is charged to; stays where it is as long as the call.
  usage* charged = nullptr;
  /// Its place among the calls of the connection.
  list_place<call> place;
  /// Its place in the index by connection and id.
  struct {
    call* next = nullptr;
    std::uint64_t hash = 0;
  } index;
};

/// The coroutine of this process that has made a call.
struct call_coroutine {
  outbound_slot* waiter = nullptr;
  /// The peer that it calls by name.
  std::string peer;
};

/// The attempt on another reactor whose second leg a call is.
struct call_leg {
  std::size_t reactor_index = 0;
  attempt_key attempt;
};

/// What is asked, to be sent to an instance, and to another one after that. In a fresh record its texts are
/// empty, so that they can be appended to, which costs less than assigning.
struct call_request {
  std::string method;
  std::string text;
  request_spans spans;
  std::string route_key;
  /// Another node has sent it on: it makes no second hop.
  bool local_only = false;
  coro::clock::time_point deadline{};
  /// Bytes of `text` and of params, as far as they count towards the limit.
  std::size_t held_bytes = 0;
};

/// A handler of this process at work.
struct call_handling {
  enum class kind : std::uint8_t { none, coroutine, blocking };

  kind running = kind::none;
  /// Both ends are in this process.
  bool in_process = false;
  /// The scope of the handler; cancelling it cancels everything the handler waits for.
  std::optional<coro::cancel_scope> context;
  /// The method, while the call waits for a permit.
  const local_method* method = nullptr;
};

/// What is told of a call once it is over.
struct call_telling {
  coro::clock::time_point started{};
  method_stats* stats = nullptr;
  call_trace trace;
};

struct call final : coro::timer, waiting_call {
  /// Who has made it: `caller`, `coroutine` and `leg` say more of each.
  enum class origin : std::uint8_t { none, connection, coroutine, router };
  using handler = call_handling::kind;
  /// What its timer is set for, when not for its deadline: `retry` and `queue` have no attempt.
  /// `half_closed`: a stream whose caller may be gone, and otherwise grants no more.
  enum class pause : std::uint8_t { none, retry, queue, hedge, cancel, half_closed };

  explicit call(call_owner& told) noexcept : owner(told), attempts(*this) {}
  attempt_key key_of(const attempt& a) const noexcept { return {key, a.which}; }
  bool has_deadline() const noexcept { return asked.deadline - told.started < stream_without_deadline; }
  /// Nobody works on it now.
  bool idle() const noexcept { return handling.running == handler::none && !attempts.any(); }
  /// To be used again. What is written whenever it is opened stays.
  void reset();

  call_key key;
  call_owner& owner;
  origin from = origin::none;
  pause paused = pause::none;
  call_caller caller;
  call_coroutine coroutine;
  call_leg leg;
  call_request asked;
  call_handling handling;
  call_attempts attempts;
  /// What a call that streams has besides.
  std::unique_ptr<stream_state> stream;
  call_telling told;

 private:
  void on_expiry() override { owner.on_call_timer(*this); }
};

inline list_place<call>& place_of(call& c) noexcept {
  return c.caller.place;
}

}  // namespace weft
