#include "actors/router/calls.hpp"

#include <utility>

#include <fmt/format.h>

#include "proto/json/number.hpp"

namespace weft {
namespace {

// Calls that came from another reactor are indexed under a connection that cannot exist.
connection_key foreign_caller(std::size_t reactor_index) {
  return {0x8000'0000U | static_cast<std::uint32_t>(reactor_index), 0};
}

/// Counted whether or not there is a limit: it may come while the call is under way.
bool take_in_flight(const usage& of) noexcept {
  if (of.in_flight == nullptr) return true;
  const auto before = of.in_flight->fetch_add(1, std::memory_order_relaxed);
  const auto most = of.quota != nullptr ? of.quota->limits().in_flight : 0;
  if (most == 0 || before < static_cast<std::int64_t>(most)) return true;
  of.in_flight->fetch_sub(1, std::memory_order_relaxed);
  return false;
}

void give_back_in_flight(const usage& of) noexcept {
  if (of.in_flight != nullptr) of.in_flight->fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace

std::string calls::why_full(const connection_entry& entry, const usage& charged) {
  const auto& limits = site_.options.limits;
  // Over a link to another node come the calls of many.
  if (!entry.is_link() && entry.load.made_count >= limits.in_flight_per_connection) {
    site_.metrics().add(metric::limit_in_flight);
    return fmt::format("{} calls are under way, the limit (limits.in_flight_per_connection)",
                       limits.in_flight_per_connection);
  }
  const auto share = share_of(limits.calls_per_reactor, limits.share_percent, 1);
  const bool over_share = charged.calls >= share;
  if (over_share || is_full()) {
    site_.metrics().add(metric::limit_calls);
    return over_share ? fmt::format(
                            "{} calls of {} are under way, its share (limits.share_percent of "
                            "limits.calls_per_reactor)",
                            share, connections_.holder_of(entry.key()))
                      : fmt::format("{} calls are under way, the limit (limits.calls_per_reactor)",
                                    limits.calls_per_reactor);
  }
  if (take_in_flight(charged)) return {};
  records_.over_quota(entry.access.who->name);
  return fmt::format("{} calls of '{}' are under way, its quota (in_flight in auth.tokens_file)",
                     charged.quota->limits().in_flight, entry.access.who->name);
}

call* calls::open(request& r, method_stats& stats) {
  auto& entry = r.from;
  auto& charged = entry.access.charged();
  if (auto why = why_full(entry, charged); !why.empty()) [[unlikely]] {
    constexpr std::int64_t retry_after_ms = 10;
    const auto error = site_.exhausted(std::move(why), executed::no, retry_after_ms);
    records_.answered_now(r, stats, error.code);
    answers_.error(r.target, error);
    return nullptr;
  }
  call& c = table_.acquire();
  c.from = call::origin::connection;
  c.caller.key = entry.key();
  c.caller.raw_id.append(r.target.raw_id);
  c.caller.notification = !r.target.wanted;
  c.caller.group = r.target.group;
  c.caller.group_part = r.target.part;
  c.told.stats = &stats;
  ++stats.users;
  c.told.started = r.received;
  c.asked.deadline = r.received + r.deadline;
  link_front(entry.load.calls_made, c);
  ++entry.load.made_count;
  c.caller.charged = &charged;
  ++c.caller.charged->calls;
  if (r.target.wanted) table_.index(c);
  site_.home.arm(c, c.asked.deadline);
  site_.metrics().add(metric::in_flight);
  return &c;
}

call& calls::open(outbound_slot& waiter, coro::clock::time_point deadline) {
  call& c = table_.acquire();
  c.from = call::origin::coroutine;
  c.coroutine.waiter = &waiter;
  c.told.started = site_.now();
  c.asked.deadline = deadline;
  site_.metrics().add(metric::outbound_in_flight);
  return c;
}

call& calls::open(std::size_t origin_reactor, attempt_key origin) {
  call& c = table_.acquire();
  c.from = call::origin::router;
  c.leg.reactor_index = origin_reactor;
  c.leg.attempt = origin;
  c.caller.key = foreign_caller(origin_reactor);
  fmt::format_to(std::back_inserter(c.caller.raw_id), "{}", origin.number());
  table_.index(c);
  site_.metrics().add(metric::outbound_in_flight);
  return c;
}

call* calls::find(std::size_t origin_reactor, attempt_key origin) const {
  return table_.find(foreign_caller(origin_reactor), std::to_string(origin.number()));
}

attempt* calls::find(attempt_key key) const noexcept {
  call* c = table_.find(key.call);
  if (c == nullptr || !c->attempts[key.which].under_way()) return nullptr;
  return &c->attempts[key.which];
}

attempt* calls::named_by(const connection_entry& callee, std::string_view raw_id) const noexcept {
  const auto number = proto::parse_exact_number(raw_id);
  // Others' ids may be anything.
  if (!number) return nullptr;
  auto* a = find(attempt_key::from(*number));
  return a != nullptr && a->to == attempt::target::connection && a->callee == callee.key() ? a : nullptr;
}

bool calls::hold(call& c, std::size_t bytes) {
  const auto& limits = site_.options.limits;
  const auto share = share_of(limits.held_request_bytes, limits.share_percent, link_frame_bytes(limits));
  const bool over_share = c.caller.charged != nullptr && c.caller.charged->held_bytes + bytes > share;
  if (over_share || held_bytes_ + bytes > limits.held_request_bytes) {
    site_.metrics().add(metric::limit_held_bytes);
    cancel(c, coro::cancel_reason::cancelled_by_caller);
    refuse(c, over_share
                  ? fmt::format("the requests of {} under way would take more than its share of {} bytes "
                                "(limits.share_percent of limits.held_request_bytes)",
                                connections_.holder_of(c.caller.key), share)
                  : fmt::format("requests of {} bytes are under way, the limit (limits.held_request_bytes)",
                                limits.held_request_bytes));
    return false;
  }
  site_.metrics().add(metric::held_request_bytes, static_cast<std::int64_t>(bytes));
  c.asked.held_bytes += bytes;
  held_bytes_ += bytes;
  if (c.caller.charged != nullptr) c.caller.charged->held_bytes += bytes;
  return true;
}

void calls::let_go(call& c) {
  if (c.asked.held_bytes == 0) return;
  const auto bytes = std::exchange(c.asked.held_bytes, 0);
  site_.metrics().add(metric::held_request_bytes, -static_cast<std::int64_t>(bytes));
  held_bytes_ -= bytes;
  if (c.caller.charged != nullptr) c.caller.charged->held_bytes -= bytes;
}

void calls::wait(call& c, const permits::limit& of) {
  if (auto refusal = permits_.wait(c, of)) refuse(c, std::move(*refusal));
}

void calls::waited_too_long(call& c) {
  const auto waited = std::chrono::floor<std::chrono::milliseconds>(site_.now() - c.queued_at);
  permits_.stop_waiting(c);
  site_.metrics().add(metric::limit_queue_wait);
  refuse(c, fmt::format("waited {} ms for room to call '{}' (limits.queue_interval, limits.queue_target)",
                        waited.count(), c.asked.method));
}

void calls::arm_deadline(call& c) {
  // A coroutine keeps its own deadline.
  if (c.from == call::origin::connection)
    site_.home.arm(c, c.asked.deadline);
  else
    site_.home.disarm(c);
}

void calls::settle(call& c, const outcome& o) {
  outcomes_.tell(c, o);
  close(c);
}

void calls::settle_failed(call& c, rpc_error error) {
  if (c.attempts.may_have_run && error.ran == executed::no) {
    // True of the last attempt only.
    error = make_mesh_error(static_cast<error_code>(error.code), std::move(error.message), executed::unknown,
                            site_.options.id, error.retry_after_ms.value_or(-1));
  }
  if (c.stream) [[unlikely]]
    c.stream->tell_cursor(error);
  settle(c, outcome::of(error));
}

void calls::refuse(call& c, std::string why) {
  settle_failed(c,
                site_.exhausted(std::move(why), executed::no, site_.options.limits.queue_interval.count()));
}

void calls::close(call& c) {
  if (c.stream) [[unlikely]]
    close_stream(c);
  site_.home.disarm(c);
  if (c.paused == call::pause::queue) permits_.stop_waiting(c);
  for (auto& a : c.attempts) {
    if (a.under_way() || a.permit || a.instance) attempts_.detach(a);
  }
  let_go(c);
  if (c.caller.group != nullptr) answers_.drop_part(*c.caller.group);
  connection_entry* caller = caller_of(c);
  if (std::exchange(c.caller.left_behind, false)) {
    --left_behind_;
    site_.metrics().add(metric::left_behind, -1);
    if (caller != nullptr) --caller->load.left_behind_count;
  }
  if (caller != nullptr) {
    unlink(caller->load.calls_made, c);
    --caller->load.made_count;
  }
  if (c.caller.charged != nullptr) {
    --c.caller.charged->calls;
    give_back_in_flight(*c.caller.charged);
  }
  if (!c.caller.raw_id.empty()) table_.unindex(c);
  const bool inbound = c.from == call::origin::connection;
  if (inbound && c.told.stats != nullptr) --c.told.stats->users;
  site_.metrics().add(inbound ? metric::in_flight : metric::outbound_in_flight, -1);
  table_.release(c);
  if (caller != nullptr) connections_.finish_if_done(*caller);
}

void calls::close_stream(const call& c) {
  if (c.from == call::origin::router) return;
  site_.metrics().add(metric::streams_open, -1);
  site_.metrics().add(metric::stream_waiting_bytes, -c.stream->down.waiting_bytes());
  if (auto* caller = c.from == call::origin::connection ? connections_.find(c.caller.key) : nullptr)
    --caller->streams.made;
}

void calls::leave_behind(call& c, const outcome& o) {
  outcomes_.tell(c, o);
  if (!c.caller.raw_id.empty()) table_.unindex(c);
  c.caller.raw_id.clear();
  c.caller.left_behind = true;
  ++left_behind_;
  site_.metrics().add(metric::left_behind);
  site_.home.arm(c, c.asked.deadline);
  if (auto* caller = caller_of(c)) {
    ++caller->load.left_behind_count;
    connections_.finish_if_done(*caller);
  }
}

void calls::on_late_cancellation(call& c) {
  c.paused = call::pause::none;
  const auto error = make_mesh_error(
      error_code::request_cancelled,
      fmt::format("cancelled by the caller; the callee has not reacted within {} ms (protocol.cancel_grace)",
                  site_.options.protocol.cancel_grace.count()),
      executed::unknown, site_.options.id);
  if (c.idle()) return settle(c, outcome::of(error));
  leave_behind(c, outcome::of(error));
}

void calls::close_left_behind(call& c, bool answered) {
  if (answered) site_.metrics().add(metric::late_results);
  close(c);
  site_.flush_outside_turn();
}

void calls::cancel(call& c, coro::cancel_reason why, bool awaited) {
  if (c.handling.running == call::handler::coroutine && c.handling.context) c.handling.context->cancel(why);
  for (auto& a : c.attempts) attempts_.cancel(a, awaited);
}

void calls::abandon(call& c) {
  for (auto& a : c.attempts) attempts_.abandon(a);
}

void calls::hang_up(connection_entry& caller, call& c) {
  const bool stays = counts_without_caller(c);
  if (!c.caller.cancelled) {
    site_.metrics().add(metric::cancelled);
    cancel(c, coro::cancel_reason::disconnected, stays);
  } else if (!stays) {
    abandon(c);
  }
  const auto ended = outcome::unawaited(error_code::request_cancelled);
  if (!stays) return c.caller.left_behind ? close(c) : settle(c, ended);
  if (!c.caller.left_behind) leave_behind(c, ended);
  outlive(caller, c);
}

void calls::cancel_all_of(connection_entry& caller) {
  while (caller.load.calls_made != nullptr) hang_up(caller, *caller.load.calls_made);
}

// A caller that hangs up and comes back would have no limit otherwise. What is held for the call is never
// more than those limits.
bool calls::counts_without_caller(const call& c) const {
  if (c.idle()) return false;
  const auto* of = c.caller.charged;
  const bool limited = of != nullptr && of->quota != nullptr && of->quota->limits().in_flight > 0;
  return limited || c.attempts[0].permit || c.attempts[1].permit;
}

void calls::outlive(connection_entry& caller, call& c) {
  let_go(c);
  if (auto* const group = std::exchange(c.caller.group, nullptr)) answers_.drop_part(*group);
  unlink(caller.load.calls_made, c);
  --caller.load.made_count;
  --caller.load.left_behind_count;
  c.caller.key = {};
  if (c.caller.charged == &caller.access.own_usage) {
    --c.caller.charged->calls;
    c.caller.charged = nullptr;
  }
}

}  // namespace weft
