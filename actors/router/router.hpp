// The router of one reactor: knows its connections, runs or forwards what they ask for, matches answers to
// calls, keeps deadlines, carries cancellations.
//
// Connections send it batches, one per read; it answers with batches, one per connection and turn. A method
// that can answer at once is answered into the outgoing batch without a record or an allocation; everything
// else gets a `call`.
//
// Thread safety: pinned to its reactor; others send it messages. The routing table and the service host are
// immutable.
#pragma once

#include <deque>
#include <expected>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <nlohmann/json.hpp>

#include "actors/access/access_policy.hpp"
#include "actors/admission/admission.hpp"
#include "actors/balance/latency_window.hpp"
#include "actors/balance/retry_budget.hpp"
#include "actors/coro/scope.hpp"
#include "actors/messages/router_messages.hpp"
#include "actors/methods/declaration.hpp"
#include "actors/registry/routing_table.hpp"
#include "actors/router/call.hpp"
#include "actors/runtime/pinned_actor.hpp"
#include "actors/runtime/string_map.hpp"
#include "actors/service/service_host.hpp"
#include "actors/telemetry/call_recorder.hpp"
#include "actors/telemetry/log_budget.hpp"
#include "actors/telemetry/named_counts.hpp"
#include "actors/transport/connection.hpp"
#include "proto/frame.hpp"
#include "proto/message.hpp"

namespace weft {

/// Where an answer goes that is given now.
struct answer_target {
  connection_key to;
  std::string_view raw_id;
  batch_answers* group = nullptr;
  std::uint32_t part = 0;
  /// False for a notification.
  bool wanted = true;
};

/// What a router knows about one of its connections.
struct link_entry {
  enum class role : std::uint8_t { client, peer_in, peer_out };

  caf::strong_actor_ptr actor;
  const connection* status = nullptr;
  std::uint32_t slot = 0;
  std::uint32_t generation = 1;
  bool open = false;
  bool introduced = false;
  bool half_closed = false;
  bool going_away = false;
  bool finishing = false;
  bool dirty = false;
  bool serves = false;
  /// What it has registered is not in force yet: its output waits, so that it hears that first.
  bool registering = false;
  /// Some of its requests were put back.
  bool backlogged = false;
  role as = role::client;
  message_pool<outbound_batch>::pointer out;
  call* calls_made = nullptr;
  call* calls_received = nullptr;
  std::uint32_t made_count = 0;
  /// Of the calls it made, those that it has been answered already.
  std::uint32_t left_behind_count = 0;
  std::uint32_t received_count = 0;
  sockaddr_storage address{};
  /// Told when a link that a peer actor dialled goes down.
  caf::strong_actor_ptr dialler;
  std::string name;
  std::string instance;
  /// What it may do; null without an access policy.
  const identity* who = nullptr;
  std::size_t wrong_tokens = 0;
  /// The id of the node at the other end, if it is one, and which of its lives.
  std::string node;
  std::string incarnation;
  /// The largest frame that the other side has said it takes.
  std::size_t accepts = std::numeric_limits<std::size_t>::max();
  /// Of the requests it made, what this reactor keeps.
  std::size_t held_bytes = 0;
  /// Of the calls it made, those that wait for room, and those in a blocking handler.
  std::uint32_t waiting_count = 0;
  std::uint32_t blocking_count = 0;

  connection_key key() const noexcept { return {slot, generation}; }
};

/// A method of this process, as a router sees it.
struct local_method {
  const method* what = nullptr;
  method_stats* stats = nullptr;
  /// Present where the method has a limit of calls under way.
  std::shared_ptr<admission_state> admission;
};

/// What a value's raw bytes say, null when there are none; only numbers beyond a double can fail, since the
/// scanner has validated the bytes.
std::expected<nlohmann::json, rpc_error> parse_value(std::string_view raw);

/// Does this answer say that the instance is not well? An error of the application says nothing of the kind,
/// except those by which programs report that they failed inside.
bool is_instance_failure(std::int32_t code);

/// The request that is being looked at, for the records that are made of it.
struct request_in_hand {
  const link_entry* caller = nullptr;
  std::string_view method;
  coro::clock::time_point received{};
  call_trace trace;
};

/// Fixed parts of a node that its routers use.
struct pending_registration {
  connection_key from;
  std::string raw_id;
  batch_answers* group = nullptr;
  std::uint32_t part = 0;
  std::string result;
};

struct router_environment {
  const service_host* services = nullptr;
  /// Of the limited ones among them, by name.
  const std::map<std::string, std::shared_ptr<admission_state>>* admissions = nullptr;
  caf::actor_system* system = nullptr;
  /// All routers of the node by shard, and its registry: both complete before the reactors start.
  const std::vector<caf::strong_actor_ptr>* routers = nullptr;
  const caf::actor* registry = nullptr;
  call_sinks sinks;
  std::shared_ptr<std::atomic<std::int64_t>> blocking_calls = std::make_shared<std::atomic<std::int64_t>>(0);
};

class router final : public pinned_actor {
 public:
  router(caf::actor_config& config, reactor& home, shard& shared, router_environment environment);
  ~router() override;

  const char* name() const override { return "router"; }

  const node_options& options() const noexcept { return shared_.options; }
  coro::executor& executor() const noexcept { return home(); }

  /// Starts a call for a coroutine; `slot` gets the answer, also when it cannot be made. The key takes it
  /// back.
  call_key start_call(const remote::address& to, std::string_view method, std::string_view raw_params,
                      const weft::context& ctx, coro::clock::time_point deadline, outbound_slot& slot);
  /// The coroutine does not wait any more: tells the callee, drops the answer.
  void abandon_call(call_key key);

  /// From the call's timer.
  void on_call_timer(call& c);

 private:
  // -- pinned_actor (router.cpp)
  void receive(actor_message& message) override;
  void end_of_turn() override;
  void on_terminate() override;
  /// One message fails, the router goes on: everything on this reactor depends on it.
  void on_exception(std::string_view what) noexcept override;

  // -- connections (router_links.cpp)
  link_entry& adopt(int descriptor, const sockaddr_storage& address, link_entry::role as);
  void on_adopt_socket(adopt_socket& message);
  void on_adopt_link(adopt_link& message);
  void on_retire_link(const retire_link& message);
  /// Closes a link that carries no new calls once those under way are over.
  static coro::task<void> close_when_idle(router* self, connection_key key, coro::clock::time_point at_most);
  void on_closed(const connection_closed& message);
  link_entry* find(connection_key key) noexcept;
  outbound_batch& output(link_entry& entry);
  void send_frame(link_entry& entry, std::string_view payload, bool urgent);
  void finish_if_done(link_entry& entry);
  void flush_outside_turn();
  void on_unfinished_frames();
  bool is_link(const link_entry& entry) const noexcept { return entry.as != link_entry::role::client; }
  /// Is there anything to check for a frame of this size?
  bool needs_room(const link_entry& entry, std::size_t frame_bytes) const noexcept {
    return frame_bytes > entry.accepts || is_link(entry);
  }
  /// May `frame_bytes` more go out to it? Else the error says why not.
  std::optional<rpc_error> check_room(const link_entry& entry, std::size_t frame_bytes, executed ran) const;
  bool is_own_id(const rpc_error& error) const;
  void give_up_link(link_entry& entry, std::string why, bool conflict);
  void on_refuse_link(const refuse_link& message);
  static coro::task<void> probe(router* self, connection_key key);
  /// The connection, if calls may be sent to it now.
  link_entry* callable(connection_key key);
  void on_drain(const drain_message& message);
  static std::string goaway_frame(std::string_view reason, std::chrono::milliseconds deadline,
                                  std::chrono::milliseconds handover);
  std::string draining_goaway() const;
  nlohmann::json describe_connections() const;
  void on_inspect(inspect_message& message);
  static coro::task<void> introduce(router* self, connection_key key, caf::strong_actor_ptr dialler);

  // -- inbound (router.cpp)
  void on_batch(inbound_batch& batch);
  void on_item(link_entry& entry, inbound_item& item, batch_answers* group, std::uint32_t& part,
               coro::clock::time_point received);
  void on_request(link_entry& entry, proto::envelope& message, answer_target target,
                  coro::clock::time_point received);
  void on_invalid(link_entry& entry, const proto::envelope& message, const answer_target& target);
  /// The call under way that a message of the callee names, if it does.
  call* called(const link_entry& entry, std::string_view raw_id);
  void on_malformed_response(link_entry& entry, std::string_view raw_id, std::string_view why);
  void on_response(link_entry& entry, const proto::envelope& message);
  void on_broken_stream(link_entry& entry, proto::frame_error error);
  /// The series of a method that others serve; they belong to its first instance.
  method_stats& stats_of(const route& serving);
  void sweep_series(coro::clock::time_point now);
  void measure_wait(coro::clock::time_point since);
  /// Pending on the connection, and gathered for it here.
  static std::size_t output_bytes(const link_entry& entry) noexcept {
    return entry.status->status().pending_output + (entry.out ? entry.out->bulk.size() : 0);
  }
  /// Is so much output pending or gathered for it that its next request has to wait?
  bool has_output_enough(const link_entry& entry) const noexcept;
  /// Everything from this item on comes again once the output has room.
  void put_back(link_entry& entry, const inbound_batch& batch, std::size_t from);
  void look_at(link_entry& entry, inbound_item& item, batch_answers* group, std::uint32_t& part,
               coro::clock::time_point received);
  batch_answers* open_group(const inbound_batch& batch, std::size_t first_item, std::uint32_t elements,
                            connection_key to);

  // -- calls to instances (router_forward.cpp)
  void forward(link_entry& entry, const proto::envelope& message, std::string_view name,
               const answer_target& target, const route* serving, coro::clock::time_point received,
               coro::clock::duration deadline);
  void forward_notification(const proto::envelope& message, const route& serving, bool local_only);
  /// Dropped when the connection takes nothing now.
  void notify(connection_key key, std::string_view text);
  void dispatch(call& c);
  void dispatch_unknown(call& c);
  void dispatch_limited(call& c, const route& serving);
  void no_instance(call& c);
  const endpoint* choose(const route& serving, const call* c, std::string_view route_key, bool local_only);
  bool usable(const endpoint& e);
  bool any_usable(const route& serving, bool local_only);
  void send_attempt(call& c, const endpoint& e);
  void end_attempt(call& c, std::int32_t code);
  void judge(const route& serving, endpoint_state& instance);
  bool retry(call& c, const rpc_error& error);
  void give_up(call& c, const rpc_error& error);
  void observe(call& c, std::int32_t code);
  double ejection_jitter();
  std::chrono::milliseconds retry_wait(std::uint8_t attempts);

  /// After the last retry: the callee's answer goes to the caller.
  void conclude(call& c, const proto::envelope& response, rpc_error error);

  // -- cancellation (router_cancel.cpp)
  void on_cancel(link_entry& entry, const proto::envelope& message);
  /// `awaited`: the caller still waits for the answer that the callee gives to the cancellation.
  void cancel_call(call& c, coro::cancel_reason why, bool awaited = false);
  void cancel_caller_calls(link_entry& entry);
  /// The callee has not answered the cancellation in time.
  void leave_behind(call& c);
  /// The end of a call whose caller has been answered.
  void close_left_behind(call& c, std::int32_t code);

  // -- second attempts (router_hedge.cpp)
  latency_window* latencies_of(const call& c);
  void note_latency(const call& c, coro::clock::time_point now);
  void arm_hedge(call& c);
  void start_hedge(call& c);
  bool hedge_goes_on(call& c);
  void take_back_hedge(call& c);
  void hedge_answered(call& h, const proto::envelope& response, const rpc_error& error);
  void hedge_failed(call& h, const rpc_error& error);

  // -- waiting for room (router_admission.cpp)
  bool waits_for_room(const admission_state& admission) const;
  void enter(call& c, const std::shared_ptr<admission_state>& admission);
  void leave(call& c);
  void room_came_up(std::shared_ptr<admission_state> admission);
  void wait_for_room(call& c, const std::shared_ptr<admission_state>& admission);
  void stop_waiting(call& c);
  void waited_too_long(call& c);
  /// With RESOURCE_EXHAUSTED.
  void refuse(call& c, std::string why);
  void offer_room();
  void on_room(const room_message& message);
  void admit_waiting(const std::shared_ptr<admission_state>& admission);
  /// False when it has to go on waiting.
  bool admit(call& c, const std::shared_ptr<admission_state>& admission);
  void start_held(call& c);
  /// Keeps the call's request until it is over; false when the call was refused instead.
  bool hold(call& c);
  /// The same for `bytes` more of it.
  bool hold(call& c, std::size_t bytes);
  void let_go(call& c);

  // -- access (router_access.cpp)
  /// Who the connection is from now on, if it may be and do what it claims with `connect`; an empty token
  /// keeps who it is.
  std::expected<const identity*, rpc_error> authorize(link_entry& entry, std::string_view token,
                                                      std::span<const served_method> serves, bool as_node);
  rpc_error refuse_token(link_entry& entry);
  rpc_error refuse_access(const identity& who, metric right, std::string_view what);

  // -- methods (router_methods.cpp)
  bool on_control(link_entry& entry, std::string_view name, const proto::envelope& message,
                  const answer_target& target);
  void on_connect(link_entry& entry, const proto::envelope& message, const answer_target& target);
  void on_goaway(link_entry& entry, const proto::envelope& message);
  bool on_mesh(link_entry& entry, std::string_view name, const proto::envelope& message,
               const answer_target& target);
  void complain(const link_entry& entry, std::string_view method, std::string_view what);
  nlohmann::json connect_result(const link_entry& entry, std::chrono::milliseconds heartbeat) const;
  bool is_other_life(std::string_view incarnation) const noexcept;
  void refuse_twin(link_entry& entry, const answer_target& target);
  void on_mesh_routes(link_entry& entry, const proto::envelope& message, const answer_target& target);
  void tell_registry_gone(const link_entry& entry);
  /// Tells the registry what the connection serves, and answers with `result` once it is in force.
  void register_service(link_entry& entry, const answer_target& target, service_declaration declaration,
                        std::string result);
  void on_registered(const registered_message& message);
  void drop_registrations(connection_key key);
  void invoke(const local_method& local, link_entry& entry, const proto::envelope& message,
              const answer_target& target, coro::clock::time_point received, coro::clock::duration deadline);
  /// A handler that does not answer at once.
  void start(call& c, const method& m, nlohmann::json params, const proto::envelope& message);
  void invoke_raw(const raw_handler& handler, std::string_view name, const proto::envelope& message,
                  const answer_target& target, method_stats& stats);
  void invoke_plain(const plain_handler& handler, std::string_view name, const proto::envelope& message,
                    const answer_target& target, method_stats& stats);
  void start_coroutine(const method& m, call& c, nlohmann::json params, const proto::envelope& message);
  void start_blocking(const method& m, call& c, nlohmann::json params);
  static coro::task<void> run_handler(router* self, call_key key, const method* m, weft::context ctx,
                                      nlohmann::json params);
  /// Runs a method of this process for a coroutine of this process.
  void invoke_in_process(call& c, const local_method& local, std::string_view raw_params,
                         const weft::context& ctx);
  void on_blocking_done(blocking_done& done);
  void on_handler_done(call_key key, result outcome);
  rpc_error handler_failed(std::string_view name, std::string_view what);

  // -- answers (router_answers.cpp)
  template <class Write>
  void render(const answer_target& target, Write&& write);
  void answer_error(const answer_target& target, const rpc_error& error);
  void complete(batch_answers& group);
  void drop_part(batch_answers& group);
  void release(batch_answers& group);
  template <class Write>
  void answer(call& c, std::int32_t code, Write&& write);
  void answer_result(call& c, std::string_view raw_result);
  /// Passes a response on with the caller's id.
  void answer_raw(call& c, std::int32_t code, std::string_view response, text_span id);
  void answer_error(call& c, const rpc_error& error);

  // -- call records (router_calls.cpp)
  call* open_call(link_entry& entry, const answer_target& target, method_stats& stats,
                  coro::clock::time_point received, coro::clock::duration deadline);
  void close_call(call& c);
  void send_to_callee(call& c, link_entry& callee, std::string_view text, text_span id);
  void on_call_deadline(call& c);
  void rearm_deadline(call& c);
  void fail_callee_calls(link_entry& entry, close_reason why);
  /// The callee's response.
  void deliver(call& c, const proto::envelope& response);
  /// No response: the call could not be made, or was lost.
  void fail(call& c, rpc_error error);
  void on_remote(remote_calls& message);
  void on_remote_call(remote_item& item);
  remote_calls& remote_output(std::size_t shard);
  rpc_error unavailable(std::string message, executed ran) const;
  rpc_error unknown_peer(std::string_view name) const;
  method_stats* client_stats(const peer_route& peer, std::string_view method);
  void start_direct_call(call& c, const link_address& link);
  void start_mesh_call(call& c, std::string_view method, std::string_view raw_params,
                       const weft::context& ctx);
  void link_to_callee(call& c, link_entry& callee);
  void detach_callee(call& c);
  void on_remote_answer(remote_item& item);

  // -- traces and the log of calls (router_records.cpp)
  void begin_request(const link_entry& entry, std::string_view name, const proto::envelope& message,
                     coro::clock::time_point received);
  /// A request was answered without a call record.
  void answered_now(method_stats& stats, std::int32_t code) {
    observed_.emplace_back(&stats, code);
    if (recorder_ && recorder_->wants(code, in_hand_.trace)) record_request(code, stats);
  }
  void record_request(std::int32_t code, const method_stats& stats);
  void record_call(call& c, std::int32_t code) {
    if (recorder_ && recorder_->wants(code, c.trace)) make_record(c, code);
  }
  void make_record(call& c, std::int32_t code);
  void describe_callee(const call& c, call_record& record);
  /// The request in hand becomes this call.
  void take_trace(call& c, std::string_view method);
  /// Puts this hop's span into the request that is sent on.
  void continue_trace(call& c, const proto::envelope& message);
  std::string_view traced(const proto::envelope& message, const call_trace& trace);
  /// A notification that is sent on, as the bytes that are to be sent.
  std::string_view continue_notification(const proto::envelope& message, const route& serving);
  /// For the request of a call that a handler makes; valid until the next message.
  std::string_view begin_outgoing(call& c, const remote::address& to, std::string_view method,
                                  const weft::context& ctx);
  static std::shared_ptr<const trace_members> handler_trace(const call& c, std::string_view raw_traceparent,
                                                            std::string_view raw_tracestate);

  shard& shared_;
  router_environment environment_;
  std::shared_ptr<const routing_table> routes_;
  call_table calls_;
  call_stats stats_;
  string_map<local_method> methods_;
  /// A deque, so that entries stay where they are.
  std::deque<link_entry> links_;
  std::vector<std::uint32_t> free_links_;
  std::vector<std::uint32_t> dirty_;
  std::vector<std::unique_ptr<batch_answers>> free_groups_;
  std::vector<message_pointer<remote_calls>> remote_out_;
  std::string scratch_;
  std::string name_scratch_;
  coro::clock::time_point series_swept_{};
  bool in_turn_ = false;
  bool inspected_ = false;
  bool draining_ = false;
  std::chrono::milliseconds drain_deadline_{0};
  std::int64_t last_request_ns_ = 0;
  /// Durations of calls answered in this turn are measured with one look at the clock at its end.
  std::vector<std::pair<method_stats*, std::int32_t>> observed_;
  // Choosing an instance.
  std::vector<const endpoint*> candidates_;
  std::minstd_rand random_{std::random_device{}()};
  std::uint64_t choices_ = 0;
  retry_budget budget_;
  /// By pattern, of the methods that are hedged.
  string_map<latency_window> latencies_;
  // Waiting for room.
  std::unordered_map<const admission_state*, admission_queue> queues_;
  /// Where room came up in this turn.
  std::vector<std::shared_ptr<admission_state>> freed_;
  std::size_t held_bytes_ = 0;
  std::size_t left_behind_ = 0;
  std::map<std::uint64_t, pending_registration> registrations_;
  std::uint64_t next_ticket_ = 1;
  /// Registrations for which this router has the new table, once its output of this turn is sent.
  std::vector<std::shared_ptr<registration>> in_force_;
  log_budget malformed_lines_;
  /// Malformed responses by the service or node that gave them.
  named_counts malformed_;
  /// Null when calls are neither traced nor logged.
  std::unique_ptr<call_recorder> recorder_;
  request_in_hand in_hand_;
  std::string traced_;
  /// Last member: frames refer to everything above.
  std::optional<coro::scope> tasks_;
};

template <class Write>
void router::render(const answer_target& target, Write&& write) {
  if (!target.wanted) return;
  if (target.group != nullptr) {
    auto& group = *target.group;
    const auto start = group.text.size();
    write(group.text);
    if (start > options().limits.output_hard_bytes / 2) [[unlikely]] {
      group.text.resize(start);
      home().metrics().add(metric::limit_output_hard);
      proto::append_error(
          group.text, target.raw_id,
          make_mesh_error(error_code::resource_exhausted,
                          "the answers of this batch are too large (limits.output_hard_bytes)",
                          executed::unknown, options().id));
    }
    group.parts[target.part] = {static_cast<std::uint32_t>(start),
                                static_cast<std::uint32_t>(group.text.size() - start)};
    if (--group.missing == 0) complete(group);
    return;
  }
  auto* entry = find(target.to);
  if (entry == nullptr) return;
  auto& out = output(*entry).bulk;
  const auto start = proto::begin_frame(out);
  write(out);
  const auto refusal = needs_room(*entry, out.size() - start)
                           ? check_room(*entry, out.size() - start, executed::unknown)
                           : std::nullopt;
  if (refusal) [[unlikely]] {
    out.resize(start + proto::frame_header_bytes);
    proto::append_error(out, target.raw_id, *refusal);
  }
  proto::end_frame(out, start);
}

}  // namespace weft
