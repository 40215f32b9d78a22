#include "actors/router/calls.hpp"

#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace weft {
namespace {

constexpr auto cancelled_code = static_cast<std::int32_t>(error_code::request_cancelled);

list_place<call>& place_of(call& c) {
  return c.caller.place;
}
list_place<attempt>& place_of(attempt& a) {
  return a.place;
}

template <class Node>
void link_front(Node*& head, Node& node) {
  place_of(node) = {nullptr, head};
  if (head != nullptr) place_of(*head).previous = &node;
  head = &node;
}

template <class Node>
void unlink(Node*& head, Node& node) {
  const auto [previous, next] = std::exchange(place_of(node), {});
  (previous != nullptr ? place_of(*previous).next : head) = next;
  if (next != nullptr) place_of(*next).previous = previous;
}

// Calls that came from another reactor are indexed under a connection that cannot exist.
connection_key foreign_caller(std::size_t shard) {
  return {0x8000'0000U | static_cast<std::uint32_t>(shard), 0};
}

constexpr std::string_view nameless_holder = "this connection";

std::string holder_of(const link_entry& entry) {
  return entry.access.of_identity == nullptr ? std::string(nameless_holder)
                                             : fmt::format("'{}'", entry.access.who->name);
}

std::string cancel_request(std::uint64_t id) {
  return fmt::format(R"({{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id":{}}}}})", id);
}

}  // namespace

call* calls::open(request& r, method_stats& stats) {
  const auto& limits = site_.options.limits;
  auto& entry = r.from;
  const auto share = share_of(limits.calls_per_reactor, limits.share_percent, 1);
  // Over a link to another node come the calls of many.
  const bool connection_full = !entry.is_link() && entry.load.made_count >= limits.in_flight_per_connection;
  const bool over_share = entry.access.charged().calls >= share;
  if (connection_full || over_share || is_full()) {
    site_.metrics().add(connection_full ? metric::limit_in_flight : metric::limit_calls);
    auto why = connection_full
                   ? fmt::format("{} calls are under way, the limit (limits.in_flight_per_connection)",
                                 limits.in_flight_per_connection)
               : over_share ? fmt::format(
                                  "{} calls of {} are under way, its share (limits.share_percent of "
                                  "limits.calls_per_reactor)",
                                  share, weft::holder_of(entry))
                            : fmt::format("{} calls are under way, the limit (limits.calls_per_reactor)",
                                          limits.calls_per_reactor);
    constexpr std::int64_t retry_after_ms = 10;
    const auto error = site_.exhausted(std::move(why), executed::no, retry_after_ms);
    records_.answered_now(r, stats, error.code);
    answers_.error(r.target, error);
    return nullptr;
  }
  call& c = table_.acquire();
  c.from = call::origin::connection;
  c.caller.key = entry.key();
  c.caller.raw_id = r.target.raw_id;
  c.caller.notification = !r.target.wanted;
  c.caller.group = r.target.group;
  c.caller.group_part = r.target.part;
  c.told.stats = &stats;
  ++stats.users;
  c.told.started = r.received;
  c.asked.deadline = r.received + r.deadline;
  link_front(entry.load.calls_made, c);
  ++entry.load.made_count;
  c.caller.charged = &entry.access.charged();
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

call& calls::open(std::size_t origin_shard, attempt_key origin) {
  call& c = table_.acquire();
  c.from = call::origin::router;
  c.leg.shard = origin_shard;
  c.leg.attempt = origin;
  c.caller.key = foreign_caller(origin_shard);
  fmt::format_to(std::back_inserter(c.caller.raw_id), "{}", origin.number());
  table_.index(c);
  site_.metrics().add(metric::outbound_in_flight);
  return c;
}

call* calls::find(std::size_t origin_shard, attempt_key origin) const {
  return table_.find(foreign_caller(origin_shard), std::to_string(origin.number()));
}

attempt* calls::find(attempt_key key) const noexcept {
  call* c = table_.find(key.call);
  if (c == nullptr || !c->attempts[key.which].under_way()) return nullptr;
  return &c->attempts[key.which];
}

attempt* calls::named_by(const link_entry& callee, std::string_view raw_id) const noexcept {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(raw_id.data(), raw_id.data() + raw_id.size(), number);
  // Others' ids may be anything.
  if (error != std::errc() || end != raw_id.data() + raw_id.size()) return nullptr;
  auto* a = find(attempt_key::from(number));
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
                                holder_of(c), share)
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

std::string calls::holder_of(const call& c) {
  const auto* caller = caller_of(c);
  return caller == nullptr ? std::string(nameless_holder) : weft::holder_of(*caller);
}

void calls::let_go(call& c) {
  if (c.asked.held_bytes == 0) return;
  const auto bytes = std::exchange(c.asked.held_bytes, 0);
  site_.metrics().add(metric::held_request_bytes, -static_cast<std::int64_t>(bytes));
  held_bytes_ -= bytes;
  if (c.caller.charged != nullptr) c.caller.charged->held_bytes -= bytes;
}

void calls::wait(call& c, const std::shared_ptr<admission_state>& permits) {
  const auto& limits = site_.options.limits;
  if (waiting_.length(*permits) >= limits.queue_length) {
    site_.metrics().add(metric::limit_queue_length);
    return refuse(c, fmt::format("{} calls of '{}' wait for room already (limits.queue_length)",
                                 limits.queue_length, c.asked.method));
  }
  const auto share = share_of(limits.queue_length, limits.share_percent, 1);
  if (c.caller.charged != nullptr && c.caller.charged->waiting >= share) {
    site_.metrics().add(metric::limit_queue_length);
    return refuse(c, fmt::format("{} calls of {} wait for room already, its share (limits.share_percent "
                                 "of limits.queue_length)",
                                 share, holder_of(c)));
  }
  if (c.caller.charged != nullptr) ++c.caller.charged->waiting;
  const auto now = site_.now();
  waiting_.push(c, permits, now);
  c.waits_for = permits;
  c.paused = call::pause::queue;
  site_.metrics().add(metric::queued);
  site_.metrics().add(metric::queue_length);
  site_.home.arm(c, std::min(c.asked.deadline, now + limits.queue_interval));
}

void calls::stop_waiting(call& c) {
  const auto waited = waiting_.remove(c, c.waits_for, site_.now());
  if (c.caller.charged != nullptr) --c.caller.charged->waiting;
  c.waits_for = nullptr;
  c.paused = call::pause::none;
  site_.metrics().add(metric::queue_length, -1);
  site_.metrics().add(metric::queue_wait_ns, waited.count());
}

void calls::waited_too_long(call& c) {
  const auto waited = std::chrono::floor<std::chrono::milliseconds>(site_.now() - c.queued_at);
  stop_waiting(c);
  site_.metrics().add(metric::limit_queue_wait);
  refuse(c, fmt::format("waited {} ms for room to call '{}' (limits.queue_interval, limits.queue_target)",
                        waited.count(), c.asked.method));
}

void calls::enter(attempt& a, const std::shared_ptr<admission_state>& permits) {
  permits->enter();
  a.permit = permits;
}

void calls::attach(attempt& a, link_entry& callee) {
  a.to = attempt::target::connection;
  a.callee = callee.key();
  link_front(callee.load.attempts_received, a);
  ++callee.load.received_count;
  if (a.of->stream) ++callee.streams.received;
  const auto& status = callee.status->status();
  a.queued_before = status.bytes_written + status.pending_output + links_.output(callee).bulk.size();
}

void calls::detach(attempt& a) {
  if (a.to == attempt::target::connection) {
    if (auto* callee = links_.find(a.callee)) {
      unlink(callee->load.attempts_received, a);
      --callee->load.received_count;
      if (a.of->stream) --callee->streams.received;
    }
  }
  a.to = attempt::target::none;
  if (a.permit) {
    a.permit->leave();
    waiting_.freed(std::exchange(a.permit, nullptr));
  }
  // Taken back before it was answered: that says nothing about the instance.
  if (const auto instance = std::exchange(a.instance, nullptr)) instance->end_unknown();
}

void calls::arm_deadline(call& c) {
  // A coroutine keeps its own deadline.
  if (c.from == call::origin::connection)
    site_.home.arm(c, c.asked.deadline);
  else
    site_.home.disarm(c);
}

void calls::settle(call& c, const outcome& o) {
  conclude(c, o);
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

void calls::conclude(call& c, const outcome& given) {
  std::optional<rpc_error> taken_back;
  // Whoever has taken a call back hears that, whatever the callee made of it.
  const bool says_so = given.code == cancelled_code && (given.error == nullptr || given.error->ran);
  if (c.caller.cancelled && given.code != 0 && !says_so)
    taken_back = make_mesh_error(error_code::request_cancelled, "cancelled by the caller",
                                 c.idle() && !c.attempts.may_have_run ? executed::no : executed::unknown,
                                 site_.options.id);
  const auto o = taken_back ? outcome::of(*taken_back) : given;
  records_.observe(c, o.code);
  if (c.stream && c.from != call::origin::router) [[unlikely]]
    count_end_of_stream(o);
  if (!o.awaited) return;
  switch (c.from) {
    case call::origin::connection:
      return answer_connection(c, o);
    case call::origin::coroutine:
      if (o.error != nullptr) {
        c.coroutine.waiter->set(std::unexpected(*o.error));
      } else {
        c.coroutine.waiter->set(
            raw_result(std::string(o.response != nullptr ? o.response->result : o.raw_result)));
      }
      if (c.stream && c.stream->caller != nullptr) c.stream->caller->on_answer();
      return;
    case call::origin::router: {
      auto& item = outbox_.add(c.leg.shard, remote_item::type::answer, c.leg.shard, c.leg.attempt);
      if (o.response != nullptr) {
        item.text = o.response->text;
      } else {
        item.failure = *o.error;
        item.blameless = o.blameless;
      }
      return;
    }
    case call::origin::none:
      return;
  }
}

void calls::answer_connection(call& c, const outcome& o) {
  const answer_target target{c.caller.key, c.caller.raw_id, std::exchange(c.caller.group, nullptr),
                             c.caller.group_part, !c.caller.notification};
  const auto* response = o.response;
  // The form of JSON-RPC 1.0 is put into that of 2.0.
  if (response != nullptr && !response->old_form) {
    return answers_.render(target, [&](std::string& out) {
      append_response_for(out, response->text, span_in(response->text, response->id), c.caller.raw_id);
    });
  }
  if (o.error != nullptr) return answers_.error(target, *o.error);
  answers_.result(target, response != nullptr ? response->result : o.raw_result);
}

void calls::close(call& c) {
  if (c.stream) [[unlikely]]
    close_stream(c);
  site_.home.disarm(c);
  if (c.paused == call::pause::queue) stop_waiting(c);
  for (auto& a : c.attempts) {
    if (a.under_way() || a.permit || a.instance) detach(a);
  }
  let_go(c);
  if (c.caller.group != nullptr) answers_.drop_part(*c.caller.group);
  link_entry* caller = caller_of(c);
  if (std::exchange(c.caller.left_behind, false)) {
    --left_behind_;
    site_.metrics().add(metric::left_behind, -1);
    if (caller != nullptr) --caller->load.left_behind_count;
  }
  if (caller != nullptr) {
    unlink(caller->load.calls_made, c);
    --caller->load.made_count;
  }
  if (c.caller.charged != nullptr) --c.caller.charged->calls;
  if (!c.caller.raw_id.empty()) table_.unindex(c);
  const bool inbound = c.from == call::origin::connection;
  if (inbound && c.told.stats != nullptr) --c.told.stats->users;
  site_.metrics().add(inbound ? metric::in_flight : metric::outbound_in_flight, -1);
  table_.release(c);
  if (caller != nullptr) links_.finish_if_done(*caller);
}

void calls::count_end_of_stream(const outcome& o) {
  const bool cancelled = !o.awaited || o.code == cancelled_code;
  site_.metrics().add(cancelled     ? metric::streams_cancelled
                      : o.code == 0 ? metric::streams_completed
                                    : metric::streams_failed);
}

void calls::close_stream(const call& c) {
  if (c.from == call::origin::router) return;
  site_.metrics().add(metric::streams_open, -1);
  site_.metrics().add(metric::stream_waiting_bytes, -c.stream->down.waiting_bytes());
  if (auto* caller = c.from == call::origin::connection ? links_.find(c.caller.key) : nullptr)
    --caller->streams.made;
}

void calls::leave_behind(call& c, const outcome& o) {
  conclude(c, o);
  if (!c.caller.raw_id.empty()) table_.unindex(c);
  c.caller.raw_id.clear();
  c.caller.left_behind = true;
  ++left_behind_;
  site_.metrics().add(metric::left_behind);
  site_.home.arm(c, c.asked.deadline);
  if (auto* caller = caller_of(c)) {
    ++caller->load.left_behind_count;
    links_.finish_if_done(*caller);
  }
}

void calls::close_left_behind(call& c, bool answered) {
  if (answered) site_.metrics().add(metric::late_results);
  close(c);
  site_.flush_outside_turn();
}

void calls::cancel(call& c, coro::cancel_reason why, bool awaited) {
  if (c.handling.running == call::handler::coroutine && c.handling.context) c.handling.context->cancel(why);
  for (auto& a : c.attempts) cancel(a, awaited);
}

void calls::cancel(attempt& a, bool awaited) {
  const auto key = a.of->key_of(a);
  switch (a.to) {
    case attempt::target::connection:
      // Behind its request, which may still wait: a cancellation that comes first names nothing yet.
      if (auto* callee = links_.find(a.callee))
        links_.send_frame(*callee, cancel_request(key.number()), false);
      return;
    case attempt::target::router: {
      const auto what = awaited ? remote_item::type::cancel : remote_item::type::abandon;
      outbox_.add(a.target_shard, what, site_.index(), key);
      return;
    }
    case attempt::target::none:
      return;
  }
}

void calls::cancel_all_of(link_entry& caller) {
  while (caller.load.calls_made != nullptr) {
    auto& c = *caller.load.calls_made;
    if (c.caller.left_behind) {
      close(c);
      continue;
    }
    site_.metrics().add(metric::cancelled);
    cancel(c, coro::cancel_reason::disconnected);
    settle(c, outcome::unawaited(error_code::request_cancelled));
  }
}

}  // namespace weft
