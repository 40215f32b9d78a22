// One call under way: where its answer goes, who works on it, when it must be over.
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
#include "actors/coro/executor.hpp"
#include "actors/messages/batch.hpp"
#include "actors/messages/result.hpp"
#include "actors/service/context.hpp"
#include "actors/telemetry/call_record.hpp"
#include "actors/telemetry/call_stats.hpp"

namespace weft {

class router;
struct local_method;

/// The answers of one JSON-RPC batch, gathered until all are there.
struct batch_answers {
  struct part {
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
  };
  connection_key to;
  std::string text;
  std::vector<part> parts;
  std::uint32_t missing = 0;
};

/// Part of a text, by position, since the text may move.
struct text_span {
  std::size_t at = 0;
  std::size_t size = 0;
};

/// The hard upper bound of `retry_options::attempts`.
inline constexpr std::size_t max_attempts = 8;

struct call final : coro::timer, waiting_call {
  enum class origin : std::uint8_t { none, connection, coroutine, router, hedge };
  enum class target : std::uint8_t { none, coroutine, blocking, connection, router };
  /// What its timer is set for, when not for its deadline: `retry` and `queue` have no callee.
  enum class pause : std::uint8_t { none, retry, queue, hedge, cancel };

  call_key key;
  router* owner = nullptr;

  origin from = origin::none;
  bool notification = false;
  /// Its caller asked for the cancellation, so an error answer becomes -32800.
  bool cancelled = false;
  /// Its caller was answered while the callee still works: it counts against both until the callee's answer.
  bool left_behind = false;
  connection_key caller;
  /// As the caller sent it, empty for a notification.
  std::string raw_id;
  batch_answers* group = nullptr;
  std::uint32_t group_part = 0;
  outbound_slot* waiter = nullptr;
  std::size_t origin_shard = 0;
  /// Of the reactor it came from, or of the call that this one hedges.
  call_key origin_call;
  /// The second attempt that is under way beside this one.
  call_key hedge;

  target to = target::none;
  /// Of the handler; cancelling it cancels everything the handler waits for.
  std::optional<coro::context> context;
  connection_key callee;
  std::size_t target_shard = 0;
  call_key target_call;

  // What is needed to send it to an instance, and to another one after that.
  std::string method;
  std::string request;
  text_span id_in_request;
  text_span deadline_in_request;
  std::string route_key;
  bool local_only = false;
  pause paused = pause::none;
  /// An attempt ended without saying whether the method ran.
  bool may_have_run = false;
  std::uint8_t attempts = 0;
  coro::clock::time_point attempt_started{};
  coro::clock::time_point retry_at{};
  std::shared_ptr<endpoint_state> instance;
  std::array<link_address, max_attempts> tried{};

  /// The limit it waits for, or counts towards.
  std::shared_ptr<admission_state> admission;
  /// Where it waits for a method of this process.
  const local_method* local = nullptr;
  /// Of `request`, as far as they count towards the limit.
  std::size_t held_bytes = 0;

  call_trace trace;
  /// Both ends are in this process.
  bool in_process = false;
  /// The peer that a handler calls by name.
  std::string peer_called;

  method_stats* stats = nullptr;
  coro::clock::time_point started{};
  coro::clock::time_point deadline{};
  /// Bytes queued for the callee before this call's frame: tells whether a lost connection can have seen it.
  std::uint64_t queued_before = 0;

  // Lists of the caller's and of the callee's calls.
  call* caller_previous = nullptr;
  call* caller_next = nullptr;
  call* callee_previous = nullptr;
  call* callee_next = nullptr;
  // Chain of the id index.
  call* index_next = nullptr;
  std::uint64_t index_hash = 0;

 private:
  void on_expiry() override;
};

class call_table {
 public:
  /// A fresh record.
  call& acquire(router& owner);
  /// The record, or null when the key is stale.
  call* find(call_key key) const noexcept;
  void release(call& c);
  std::size_t size() const noexcept { return in_use_; }

  // -- calls of connections by (connection, raw id)
  void index(call& c);
  void unindex(call& c) noexcept;
  call* find(connection_key caller, std::string_view raw_id) const noexcept;

 private:
  void grow_index();

  // Texts of recycled records keep their capacity, up to this much in all.
  static constexpr std::size_t most_retained_bytes = 16 << 20;

  std::vector<std::unique_ptr<call>> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<call*> buckets_ = std::vector<call*>(1024);
  std::size_t indexed_ = 0;
  std::size_t in_use_ = 0;
  std::size_t retained_bytes_ = 0;
};

}  // namespace weft
