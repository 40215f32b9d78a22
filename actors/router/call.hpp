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

/// A place in a list without an owner: of the calls of a caller, of the attempts at a callee.
template <class Node>
struct list_place {
  Node* previous = nullptr;
  Node* next = nullptr;
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
  /// Among those at the same callee.
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
  /// One of them ended without saying whether the method ran.
  bool may_have_run = false;
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
  /// Among the calls of the connection.
  list_place<call> place;
  /// In the index by connection and id.
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
  std::size_t shard = 0;
  attempt_key attempt;
};

/// What is asked, to be sent to an instance, and to another one after that.
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
  /// Of the handler; cancelling it cancels everything the handler waits for.
  std::optional<coro::context> context;
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
  /// Of a call that streams.
  std::unique_ptr<stream_state> stream;
  call_telling told;

 private:
  void on_expiry() override { owner.on_call_timer(*this); }
};

}  // namespace weft
