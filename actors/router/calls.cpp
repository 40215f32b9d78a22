// The router's calls under way: opening and closing records, cancelling, calls to connections here and on
// other reactors.
#include <algorithm>

#include <fmt/format.h>

#include "actors/router/router.hpp"
#include "actors/router/splice.hpp"
#include "proto/message.hpp"

namespace weft {
namespace {

constexpr std::string_view placeholder_id = "0";

void link_front(call*& head, call& c, call* call::* previous, call* call::* next) {
  c.*previous = nullptr;
  c.*next = head;
  if (head != nullptr) head->*previous = &c;
  head = &c;
}

void unlink(call*& head, call& c, call* call::* previous, call* call::* next) {
  if (c.*previous != nullptr)
    (c.*previous)->*next = c.*next;
  else
    head = c.*next;
  if (c.*next != nullptr) (c.*next)->*previous = c.*previous;
  c.*previous = c.*next = nullptr;
}

// Calls that came from another reactor are indexed under a connection that cannot exist.
connection_key foreign_caller(std::size_t shard) {
  return {0x8000'0000U | static_cast<std::uint32_t>(shard), 0};
}

}  // namespace

rpc_error router::unavailable(std::string message, executed ran) const {
  return make_mesh_error(error_code::unavailable, std::move(message), ran, options().id);
}

call* router::open_call(link_entry& entry, const answer_target& target, method_stats& stats,
                        coro::clock::time_point received, coro::clock::duration deadline) {
  const auto& limits = options().limits;
  // Over a link to another node come the calls of many.
  const auto most = is_link(entry) ? share_of(limits.calls_per_reactor, limits.share_percent, 1)
                                   : limits.in_flight_per_connection;
  const bool connection_full = entry.made_count >= most;
  if (connection_full || calls_.size() >= limits.calls_per_reactor) {
    home().metrics().add(connection_full ? metric::limit_in_flight : metric::limit_calls);
    const auto* which = !connection_full ? "limits.calls_per_reactor"
                        : is_link(entry) ? "limits.share_percent of limits.calls_per_reactor"
                                         : "limits.in_flight_per_connection";
    const auto limit = connection_full ? most : limits.calls_per_reactor;
    constexpr std::int64_t retry_after_ms = 10;
    const auto error = make_mesh_error(error_code::resource_exhausted,
                                       fmt::format("{} calls are under way, the limit ({})", limit, which),
                                       executed::no, options().id, retry_after_ms);
    answered_now(stats, error.code);
    answer_error(target, error);
    return nullptr;
  }
  call& c = calls_.acquire(*this);
  c.from = call::origin::connection;
  c.caller = entry.key();
  c.raw_id = target.raw_id;
  c.notification = !target.wanted;
  c.group = target.group;
  c.group_part = target.part;
  c.stats = &stats;
  ++stats.users;
  c.started = received;
  c.deadline = received + deadline;
  link_front(entry.calls_made, c, &call::caller_previous, &call::caller_next);
  ++entry.made_count;
  if (target.wanted) calls_.index(c);
  home().arm(c, c.deadline);
  home().metrics().add(metric::in_flight);
  return &c;
}

void router::detach_callee(call& c) {
  if (c.to == call::target::connection) {
    if (auto* callee = find(c.callee)) {
      unlink(callee->calls_received, c, &call::callee_previous, &call::callee_next);
      --callee->received_count;
    }
  }
  c.to = call::target::none;
}

void router::close_call(call& c) {
  home().disarm(c);
  if (c.hedge != call_key{}) take_back_hedge(c);
  if (c.paused == call::pause::queue) stop_waiting(c);
  leave(c);
  let_go(c);
  if (c.group != nullptr) drop_part(*c.group);
  link_entry* caller = c.from == call::origin::connection ? find(c.caller) : nullptr;
  if (std::exchange(c.left_behind, false)) {
    --left_behind_;
    home().metrics().add(metric::left_behind, -1);
    if (caller != nullptr) --caller->left_behind_count;
  }
  if (caller != nullptr) {
    unlink(caller->calls_made, c, &call::caller_previous, &call::caller_next);
    --caller->made_count;
  }
  if (!c.raw_id.empty()) calls_.unindex(c);
  detach_callee(c);
  // Taken back before it was answered.
  if (const auto instance = std::exchange(c.instance, nullptr)) instance->end_unknown();
  const bool inbound = c.from == call::origin::connection;
  if (inbound && c.stats != nullptr) --c.stats->users;
  home().metrics().add(inbound ? metric::in_flight : metric::outbound_in_flight, -1);
  calls_.release(c);
  if (caller != nullptr) finish_if_done(*caller);
}

void router::on_call_timer(call& c) {
  const bool late = home().now() >= c.deadline;
  if (c.paused == call::pause::queue && !late) {
    waited_too_long(c);
  } else if (c.paused == call::pause::retry && !late) {
    c.paused = call::pause::none;
    rearm_deadline(c);
    dispatch(c);
  } else if (c.paused == call::pause::hedge && !late) {
    c.paused = call::pause::none;
    rearm_deadline(c);
    start_hedge(c);
  } else if (c.paused == call::pause::cancel && !late) {
    leave_behind(c);
  } else {
    on_call_deadline(c);
  }
  flush_outside_turn();
}

void router::rearm_deadline(call& c) {
  // A coroutine keeps its own deadline.
  if (c.from == call::origin::connection)
    home().arm(c, c.deadline);
  else
    home().disarm(c);
}

void router::on_call_deadline(call& c) {
  constexpr auto code = error_code::deadline_exceeded;
  if (c.left_behind) {
    if (c.to == call::target::router) cancel_call(c, coro::cancel_reason::deadline_exceeded);
    return close_call(c);
  }
  cancel_call(c, coro::cancel_reason::deadline_exceeded);
  end_attempt(c, static_cast<std::int32_t>(code));
  c.cancelled = false;
  give_up(c, make_mesh_error(code, "the deadline passed before the answer came",
                             c.attempts == 0 && c.to == call::target::none ? executed::no : executed::unknown,
                             options().id));
}

void router::fail_callee_calls(link_entry& entry, close_reason why) {
  // From here on nothing is sent to it, so that a retry goes elsewhere.
  entry.going_away = true;
  const auto written = entry.status->status().bytes_written;
  const auto message =
      fmt::format("the connection to {} was lost: {}",
                  entry.name.empty() ? std::string("the callee") : entry.name, to_string(why));
  while (entry.calls_received != nullptr) {
    auto& c = *entry.calls_received;
    // Heartbeats count as written too, which errs towards "unknown".
    const auto ran = written > c.queued_before ? executed::unknown : executed::no;
    fail(c, unavailable(message, ran));
  }
}

void router::link_to_callee(call& c, link_entry& callee) {
  c.to = call::target::connection;
  c.callee = callee.key();
  link_front(callee.calls_received, c, &call::callee_previous, &call::callee_next);
  ++callee.received_count;
  const auto& status = callee.status->status();
  c.queued_before = status.bytes_written + status.pending_output + output(callee).bulk.size();
}

void router::send_to_callee(call& c, link_entry& callee, std::string_view text, text_span id) {
  if (auto refusal = check_room(callee, proto::frame_header_bytes + text.size(), executed::no)) {
    return fail(c, std::move(*refusal));
  }
  link_to_callee(c, callee);
  auto& out = output(callee).bulk;
  const auto start = proto::begin_frame(out);
  out.append(text.substr(0, id.at));
  fmt::format_to(std::back_inserter(out), "{}", c.key.number());
  out.append(text.substr(id.at + id.size));
  proto::end_frame(out, start);
}

call_key router::start_call(const remote::address& to, std::string_view method, std::string_view raw_params,
                            const weft::context& ctx, coro::clock::time_point deadline, outbound_slot& slot) {
  const auto refuse = [&](rpc_error error) {
    slot.set(std::unexpected(std::move(error)));
    return call_key{};
  };
  const peer_route* peer = nullptr;
  if (const auto* name = std::get_if<remote::peer_name>(&to)) {
    const auto found = routes_->peers.find(name->name);
    if (found == routes_->peers.end()) return refuse(unknown_peer(name->name));
    peer = &found->second;
    if (!peer->up)
      return refuse(unavailable(fmt::format("peer '{}' is not connected", name->name), executed::no));
  }
  if (calls_.size() >= options().limits.calls_per_reactor) {
    home().metrics().add(metric::limit_calls);
    return refuse(make_mesh_error(error_code::resource_exhausted,
                                  "too many calls are under way (limits.calls_per_reactor)", executed::no,
                                  options().id));
  }
  call& c = calls_.acquire(*this);
  c.from = call::origin::coroutine;
  c.waiter = &slot;
  c.started = home().now();
  c.deadline = deadline;
  home().metrics().add(metric::outbound_in_flight);
  const auto started = c.key;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - home().now()).count();
  const auto traceparent = recorder_ ? begin_outgoing(c, to, method, ctx) : ctx.raw_traceparent();
  proto::append_request(c.request, placeholder_id, method, raw_params,
                        {std::max<std::int64_t>(left, 1), traceparent, ctx.raw_tracestate()});
  if (std::holds_alternative<remote::anyone>(to)) {
    start_mesh_call(c, method, raw_params, ctx);
  } else {
    if (peer != nullptr) c.stats = client_stats(*peer, method);
    const auto* key = std::get_if<connection_key>(&to);
    start_direct_call(c, key != nullptr ? link_address{home().index(), *key} : peer->link);
  }
  flush_outside_turn();
  return started;
}

void router::start_direct_call(call& c, const link_address& link) {
  // One certain connection is meant, so there is nothing to choose and nowhere to try again.
  const auto text = std::exchange(c.request, {});
  const text_span id{text.find(R"("id":)") + 5, placeholder_id.size()};
  if (link.shard != home().index()) {
    c.to = call::target::router;
    c.target_shard = link.shard;
    auto& item = remote_output(link.shard).add(remote_item::type::call, home().index(), c.key);
    item.callee = link.key;
    item.text = text;
    item.id_at = id.at;
    item.id_size = id.size;
  } else if (auto* callee = callable(link.key)) {
    send_to_callee(c, *callee, text, id);
  } else {
    fail(c, unavailable("the connection to the callee is gone, draining or full", executed::no));
  }
}

void router::start_mesh_call(call& c, std::string_view method, std::string_view raw_params,
                             const weft::context& ctx) {
  if (const auto found = methods_.find(method); found != methods_.end()) {
    c.request.clear();
    return invoke_in_process(c, found->second, raw_params, ctx);
  }
  const auto* serving = routes_->find(method);
  c.stats = &stats_.client("mesh", 0, serving == nullptr ? "_OTHER" : serving->pattern);
  c.method = method;
  proto::envelope members;
  proto::scan(c.request, {options().limits.depth, 1, true}, members, shared_.scan_batch);
  c.id_in_request = span_in(c.request, members.id);
  c.deadline_in_request = span_in(c.request, members.deadline_ms);
  if (!hold(c)) return;
  budget_.on_call();
  dispatch(c);
}

link_entry* router::callable(connection_key key) {
  auto* entry = find(key);
  if (entry == nullptr || entry->going_away || entry->half_closed || entry->finishing) return nullptr;
  if (output_bytes(*entry) > options().limits.output_soft_bytes) {
    home().metrics().add(metric::limit_output_soft);
    return nullptr;
  }
  return entry;
}

void router::abandon_call(call_key key) {
  auto* c = calls_.find(key);
  if (c == nullptr || c->from != call::origin::coroutine) return;
  home().metrics().add(metric::cancelled);
  const auto code =
      coro::clock::now() >= c->deadline ? error_code::deadline_exceeded : error_code::request_cancelled;
  observe(*c, static_cast<std::int32_t>(code));
  cancel_call(*c, coro::cancel_reason::cancelled_by_caller);
  close_call(*c);
  flush_outside_turn();
}

rpc_error router::unknown_peer(std::string_view name) const {
  std::string known;
  for (const auto& [peer, route] : routes_->peers) {
    if (!route.by_id) known += (known.empty() ? "" : ", ") + peer;
  }
  return unavailable(
      fmt::format("no peer is called '{}'; the peers are: {}", name, known.empty() ? "none" : known),
      executed::no);
}

method_stats* router::client_stats(const peer_route& peer, std::string_view method) {
  // A method's name may come from a caller: only names that are registered here become labels.
  return &stats_.client(peer.host, peer.port, methods_.contains(method) ? method : "_OTHER");
}

remote_calls& router::remote_output(std::size_t shard) {
  remote_out_.resize(environment_.routers->size());
  auto& out = remote_out_[shard];
  if (!out) {
    out = shared_.remote.take();
    out->sent = home().now();
  }
  return *out;
}

void router::on_remote(remote_calls& message) {
  measure_wait(message.sent);
  message.keep_in(shared_.remote);
  for (auto& item : message.items()) {
    switch (item.what) {
      case remote_item::type::call:
        on_remote_call(item);
        break;
      case remote_item::type::answer:
        on_remote_answer(item);
        break;
      case remote_item::type::notification:
        notify(item.callee, item.text);
        break;
      case remote_item::type::cancel:
      case remote_item::type::abandon:
        if (auto* c = calls_.find(foreign_caller(item.origin_shard), std::to_string(item.origin.number()))) {
          cancel_call(*c, coro::cancel_reason::cancelled_by_caller);
          if (item.what == remote_item::type::abandon) close_call(*c);
        }
        break;
    }
  }
}

void router::on_remote_answer(remote_item& item) {
  auto* c = calls_.find(item.origin);
  if (c == nullptr) {
    home().metrics().add(metric::late_results);
    return;
  }
  if (item.text.empty()) return fail(*c, std::move(item.failure));
  proto::envelope response;
  proto::scan(item.text, {options().limits.depth, 1, options().protocol.require_version}, response,
              shared_.scan_batch);
  deliver(*c, response);
}

void router::on_remote_call(remote_item& item) {
  call& c = calls_.acquire(*this);
  c.from = call::origin::router;
  c.origin_shard = item.origin_shard;
  c.origin_call = item.origin;
  c.caller = foreign_caller(item.origin_shard);
  fmt::format_to(std::back_inserter(c.raw_id), "{}", item.origin.number());
  calls_.index(c);
  home().metrics().add(metric::outbound_in_flight);
  if (auto* callee = callable(item.callee)) {
    send_to_callee(c, *callee, item.text, {item.id_at, item.id_size});
  } else {
    fail(c, unavailable("the connection to the callee is gone, draining or full", executed::no));
  }
}

}  // namespace weft
