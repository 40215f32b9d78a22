#include "actors/router/streams.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace weft {
namespace {

using proto::count_text;

/// So many items may be on their way to a node that gathers them.
constexpr std::int64_t gathered_at_a_time = 256;
constexpr std::int64_t least_window = 4096;
/// Cursors do not count towards a window, so they are small.
constexpr std::size_t longest_cursor = 1024;
/// More than the names, numbers and braces around a value.
constexpr std::size_t most_around_value = 160;

std::int64_t size_of(std::string_view raw) {
  return static_cast<std::int64_t>(raw.size());
}

std::optional<std::int64_t> read_bytes(std::string_view raw) {
  return raw.empty() ? std::nullopt : proto::read_count(raw);
}

/// True when a member that may be absent is there and no count.
bool is_wrong_count(std::string_view raw) {
  return !raw.empty() && !proto::read_count(raw);
}

}  // namespace

std::optional<rpc_error> streams::check(const proto::envelope& message) {
  if (message.stream.empty()) return std::nullopt;
  members m;
  if (proto::read_stream_members(message.stream, m) && proto::read_count(m.credit) &&
      !is_wrong_count(m.bytes))
    return std::nullopt;
  return make_error(error_code::invalid_request,
                    R"(stream is {"credit": n, "bytes"?: m, "after"?: cursor} with whole numbers from 0)");
}

void streams::open(call& c, const proto::envelope& message, bool resumable) {
  auto* caller = c.from == call::origin::connection ? links_.find(c.caller) : nullptr;
  // Many streams of one connection share what may wait for it.
  const auto open_now = static_cast<std::int64_t>(caller == nullptr ? 0 : caller->stream_count++);
  const auto share = static_cast<std::int64_t>(site_.options.limits.output_soft_bytes) / 2 /
                     std::max<std::int64_t>(open_now, 1);
  c.stream = std::make_unique<stream_state>(std::min(window(), std::max(share, least_window)));
  auto& s = *c.stream;
  s.resumable = resumable && !c.local_only;
  site_.metrics().add(metric::streams_open);
  if (message.stream.empty() || c.notification) {
    s.gathers = true;
    // Such a caller sends nothing.
    s.half_closed = true;
    s.gathered = "[";
    s.down.grant(gathered_at_a_time, std::nullopt);
    return;
  }
  members m;
  proto::read_stream_members(message.stream, m);
  s.down.grant(*proto::read_count(m.credit), read_bytes(m.bytes));
  s.cursor = m.after;
}

void streams::open(call& c, stream_end& caller, std::int64_t items, std::string_view raw_after,
                   bool resumable) {
  c.stream = std::make_unique<stream_state>(window());
  c.stream->caller = &caller;
  c.stream->resumable = resumable;
  c.stream->cursor = raw_after;
  c.stream->down.grant(items, std::nullopt);
  site_.metrics().add(metric::streams_open);
}

void streams::open_leg(call& c) {
  c.stream = std::make_unique<stream_state>(window());
  c.stream->down.grant(stream_flow::unlimited, std::nullopt);
}

void streams::restart(call& c) {
  auto& s = *c.stream;
  s.callee_seq = 0;
  s.down.restart();
  s.up = stream_flow(window());
  const auto value = proto::stream_member(s.down.items(), s.down.next_bytes().value_or(0), s.cursor);
  text_span* const moved[] = {&c.spans.id, &c.spans.deadline};
  if (s.member.size == 0 && !s.gathers) {
    proto::envelope written;
    proto::scan(c.request, {site_.options.limits.depth, 1, false}, written, site_.shared.scan_batch);
    s.member = span_in(c.request, written.stream);
  }
  if (s.member.size == 0) {
    constexpr std::string_view name = R"("stream":)";
    text_span front{1, 0};
    replace_span(c.request, front, fmt::format("{}{},", name, value), moved);
    s.member = {1 + name.size(), value.size()};
  } else {
    replace_span(c.request, s.member, value, moved);
  }
}

bool streams::handle(request& r) {
  const auto what = proto::find_stream_message(r.name);
  if (!what || r.target.wanted) return false;
  members m;
  if (!proto::read_stream_members(r.message.params, m)) {
    complain_unmatched();
    return true;
  }
  if (*what == kind::item || *what == kind::accept) {
    auto* a = calls_.named_by(r.from, m.id);
    if (a == nullptr || !a->of->stream || a->of->left_behind) return complain_unmatched(), true;
    from_callee(*a->of, *what, m);
  } else {
    auto* c = m.id.empty() ? nullptr : calls_.find(r.from.key(), m.id);
    // Its answer may be on the way.
    if (c == nullptr || !c->stream || c->stream->gathers) return complain_unmatched(), true;
    from_caller(*c, *what, m);
  }
  return true;
}

void streams::complain_unmatched() {
  site_.metrics().add(metric::stream_messages_unmatched);
}

void streams::on_remote(remote_item& item) {
  members m;
  proto::read_stream_members(item.text, m);
  if (item.stream == kind::item || item.stream == kind::accept) {
    auto* a = calls_.find(item.origin);
    if (a == nullptr || !a->of->stream || a->of->left_behind) return complain_unmatched();
    from_callee(*a->of, item.stream, m);
  } else {
    auto* c = calls_.find(item.origin_shard, item.origin);
    if (c == nullptr || !c->stream) return complain_unmatched();
    from_caller(*c, item.stream, m);
  }
}

void streams::from_callee(call& c, kind what, const members& m) {
  if (what == kind::accept) return on_accept(c, m);
  on_item(c, m);
}

void streams::from_caller(call& c, kind what, const members& m) {
  switch (what) {
    case kind::credit:
      return on_credit(c, m);
    case kind::send:
      return on_send(c, m);
    case kind::raise:
      return on_throw(c, m);
    case kind::end:
      return on_end(c);
    case kind::item:
    case kind::accept:
      return;
  }
}

// -- from the callee

void streams::on_item(call& c, const members& m) {
  auto& s = *c.stream;
  if (c.from == call::origin::router) {
    auto& item = outbox_.add(c.origin_shard, remote_item::type::stream, c.origin_shard, c.origin_attempt);
    item.stream = kind::item;
    members told;
    told.seq = m.seq;
    told.value = m.value;
    told.cursor = m.cursor;
    return proto::append_stream_members(item.text, told);
  }
  const auto seq = proto::read_count(m.seq);
  if (m.value.empty() || seq != s.callee_seq) {
    return fail_invalid(c, m.value.empty() ? std::string("an item has no value")
                                           : fmt::format("an item has the seq {} where {} was due",
                                                         m.seq.empty() ? "none" : m.seq, s.callee_seq));
  }
  item(c, m.value, m.cursor);
}

bool streams::item(call& c, std::string_view raw_value, std::string_view raw_cursor) {
  auto& s = *c.stream;
  ++s.callee_seq;
  if (raw_cursor.size() > longest_cursor)
    return fail_invalid(c, fmt::format("a cursor of {} bytes is over the limit of {}", raw_cursor.size(),
                                       longest_cursor)),
           false;
  // What its caller has taken back is of no use to it, only the end is.
  if (c.cancelled) return true;
  const bool granted = s.down.take(size_of(raw_value));
  site_.metrics().add(metric::stream_waiting_bytes, size_of(raw_value));
  if (!granted) return fail_over_credit(c, "the callee"), false;
  site_.metrics().add(metric::stream_items);
  site_.metrics().add(metric::stream_bytes, size_of(raw_value));
  if (s.resumable && !raw_cursor.empty()) s.cursor = raw_cursor;
  // Another instance has taken over and gets on: its own failure is a new one.
  if (c.tried.count() > 1) c.tried.keep_last();
  return s.gathers ? gather(c, raw_value) : pass_down(c, raw_value, raw_cursor);
}

bool streams::pass_down(call& c, std::string_view raw_value, std::string_view raw_cursor) {
  auto& s = *c.stream;
  if (s.caller != nullptr) {
    ++s.next_seq;
    if (!raw_cursor.empty()) s.caller->on_cursor(raw_cursor);
    s.caller->on_value(raw_value);
    return true;
  }
  auto* caller = links_.find(c.caller);
  if (caller == nullptr) return true;
  const auto bytes = raw_value.size() + raw_cursor.size() + c.raw_id.size() + most_around_value;
  if (auto refusal = links_.check_room(*caller, bytes, executed::unknown)) [[unlikely]]
    return fail(c, std::move(*refusal)), false;
  auto& out = links_.output(*caller).bulk;
  const auto start = proto::begin_frame(out);
  proto::append_stream_item(out, c.raw_id, s.next_seq++, raw_value, raw_cursor);
  proto::end_frame(out, start);
  if (caller->half_closed && end_if_never_granted(c)) [[unlikely]]
    return false;
  if (caller->output_bytes() <= site_.options.limits.stream_window_bytes) {
    drained(c, true);
  } else {
    stall(*caller, c, true);
  }
  return true;
}

bool streams::gather(call& c, std::string_view raw_value) {
  auto& s = *c.stream;
  ++s.next_seq;
  const auto limit = site_.options.limits.stream_gather_bytes;
  const bool first = s.gathered.size() == 1;
  if (s.gathered.size() + raw_value.size() + (first ? 1 : 2) > limit) {
    site_.metrics().add(metric::limit_stream_gather);
    fail(c, site_.exhausted(fmt::format("the items of this stream take more than {} bytes as one answer "
                                        "(limits.stream_gather_bytes): ask for them one by one, with "
                                        R"("stream": {{"credit": n}})",
                                        limit),
                            executed::unknown));
    return false;
  }
  if (!calls_.hold(c, raw_value.size())) return false;
  if (!first) s.gathered += ',';
  s.gathered += raw_value;
  drained(c, true);
  if (s.down.items() > gathered_at_a_time / 2) return true;
  const auto more = gathered_at_a_time - s.down.items();
  s.down.grant(more, std::nullopt);
  tell_credit(c, more);
  return true;
}

bool streams::gathered_for(call& c) {
  auto& s = *c.stream;
  if (!s.gathers || s.plain_callee) return false;
  s.gathered += ']';
  return true;
}

void streams::on_accept(call& c, const members& m) {
  const auto items = proto::read_count(m.credit);
  if (!items || is_wrong_count(m.bytes)) return fail_invalid(c, "its credit is no whole number from 0");
  const auto bytes = read_bytes(m.bytes);
  const bool keeps_flow = c.attempts[0].to == attempt::target::connection || c.stream->callee != nullptr;
  if (!keeps_flow) return tell_accept(c, *items, bytes);
  c.stream->up.grant(*items, bytes);
  tell_accept(c, *items, c.stream->up.next_bytes());
}

void streams::accept(call& c, std::int64_t items) {
  auto& up = c.stream->up;
  up.drained();
  up.grant(items, std::nullopt);
  tell_accept(c, items, up.next_bytes());
}

// -- from the caller

void streams::taken(call& c, std::int64_t items) {
  c.stream->down.grant(items, std::nullopt);
  site_.metrics().add(metric::stream_waiting_bytes, -c.stream->down.waiting_bytes());
  c.stream->down.drained();
  tell_credit(c, items);
}

void streams::on_credit(call& c, const members& m) {
  const auto items = proto::read_count(m.credit);
  if (!items || is_wrong_count(m.bytes))
    return fail_invalid(c, "its caller grants what is no whole number from 0");
  grant(c, *items, read_bytes(m.bytes));
}

void streams::grant(call& c, std::int64_t items, std::optional<std::int64_t> bytes) {
  if (c.from == call::origin::router) {
    // The caller's reactor has counted it.
    const count_text credit(items);
    const count_text window(bytes.value_or(0));
    return to_callee(c, kind::credit, [&](members& m) {
      m.credit = credit;
      if (bytes) m.bytes = window;
    });
  }
  c.stream->down.grant(items, bytes);
  tell_credit(c, items);
}

void streams::tell_credit(call& c, std::int64_t items) {
  auto& s = *c.stream;
  // It waits to be sent to an instance, which is told with the request.
  if (s.callee == nullptr && c.attempts[0].to == attempt::target::none && c.spans.id.size != 0)
    return restart(c);
  const auto bytes = s.down.next_bytes();
  if (s.callee != nullptr) return s.callee->on_grant(items, bytes.value_or(0));
  if (items == 0 && !bytes) return;
  const count_text credit(items);
  const count_text window(bytes.value_or(0));
  to_callee(c, kind::credit, [&](members& m) {
    m.credit = credit;
    if (bytes) m.bytes = window;
  });
}

void streams::on_send(call& c, const members& m) {
  auto& s = *c.stream;
  if (c.cancelled) return;
  const bool passes_on = c.attempts[0].to == attempt::target::router;
  const bool is_last_leg = !passes_on;
  if (c.from != call::origin::router) {
    const auto seq = proto::read_count(m.seq);
    if (m.value.empty() || seq != s.send_seq || s.half_closed) {
      return fail_invalid(c, s.half_closed     ? std::string("its caller sends after the end it has told")
                             : m.value.empty() ? std::string("its caller sends no value")
                                               : fmt::format("its caller sends the seq {} where {} was due",
                                                             m.seq.empty() ? "none" : m.seq, s.send_seq));
    }
    ++s.send_seq;
    // Seen here, so that it is never taken for a failure of the instance.
    if (s.send_credit-- <= 0) return fail_over_credit(c, "the caller");
  }
  if (is_last_leg && !s.up.take(size_of(m.value))) return fail_over_credit(c, "the caller");
  if (s.callee != nullptr) return s.callee->on_value(m.value);
  to_callee(c, kind::send, [&](members& to) {
    to.seq = m.seq;
    to.value = m.value;
  });
  if (!is_last_leg) return;
  auto* callee = links_.find(c.attempts[0].callee);
  if (callee == nullptr) return;
  if (callee->output_bytes() <= site_.options.limits.stream_window_bytes) return drained(c, false);
  stall(*callee, c, false);
}

void streams::on_throw(call& c, const members& m) {
  if (!m.error.starts_with('{')) return fail_invalid(c, "its caller throws what is no error object");
  if (c.stream->callee != nullptr) return c.stream->callee->on_raise(proto::parse_error_object(m.error));
  // What is thrown into a generator that has not begun comes out of it.
  if (c.attempts[0].to == attempt::target::none) return fail(c, proto::parse_error_object(m.error));
  to_callee(c, kind::raise, [&](members& to) { to.error = m.error; });
}

void streams::on_end(call& c) {
  c.stream->half_closed = true;
  if (c.stream->callee != nullptr) return c.stream->callee->on_half_close();
  to_callee(c, kind::end, [](members&) {});
}

template <class Write>
void streams::to_callee(call& c, kind what, Write&& write) {
  const auto& a = c.attempts[0];
  members m;
  write(m);
  if (a.to == attempt::target::router) {
    auto& item = outbox_.add(a.target_shard, remote_item::type::stream, site_.index(), c.key_of(a));
    item.stream = what;
    proto::append_stream_members(item.text, m);
  } else if (a.to == attempt::target::connection) {
    auto* callee = links_.find(a.callee);
    if (callee == nullptr) return;
    const count_text id(static_cast<std::int64_t>(c.key_of(a).number()));
    m.id = id;
    if (auto refusal = links_.check_room(*callee, m.value.size() + m.error.size() + most_around_value,
                                         executed::unknown)) [[unlikely]]
      return fail(c, std::move(*refusal));
    auto& out = links_.output(*callee).bulk;
    const auto start = proto::begin_frame(out);
    proto::append_stream_message(out, what, m);
    proto::end_frame(out, start);
  }
}

void streams::tell_accept(call& c, std::int64_t items, std::optional<std::int64_t> bytes) {
  auto& s = *c.stream;
  s.took_input = s.took_input || items > 0;
  s.send_credit += items;
  if (s.caller != nullptr) return s.caller->on_grant(items, bytes.value_or(0));
  const count_text credit(items);
  const count_text window(bytes.value_or(0));
  members m;
  m.credit = credit;
  if (bytes) m.bytes = window;
  if (c.from == call::origin::router) {
    auto& item = outbox_.add(c.origin_shard, remote_item::type::stream, c.origin_shard, c.origin_attempt);
    item.stream = kind::accept;
    return proto::append_stream_members(item.text, m);
  }
  auto* caller = s.gathers ? nullptr : links_.find(c.caller);
  if (caller == nullptr) return;
  m.id = c.raw_id;
  auto& out = links_.output(*caller).bulk;
  const auto start = proto::begin_frame(out);
  proto::append_stream_message(out, kind::accept, m);
  proto::end_frame(out, start);
}

void streams::on_sent(call& c) {
  if (c.stream->half_closed) to_callee(c, kind::end, [](members&) {});
}

void streams::on_half_closed(link_entry& caller) {
  for (auto* c = caller.calls_made; c != nullptr;) {
    auto* next = c->caller_next;
    if (c->stream && !c->left_behind) end_if_never_granted(*c);
    c = next;
  }
}

bool streams::end_if_never_granted(call& c) {
  if (c.stream->gathers || c.stream->down.items() > 0) return false;
  fail(c, site_.exhausted("the caller has closed its side of the connection, so that it grants no more items",
                          executed::unknown));
  return true;
}

// -- what waits for a connection to take it

void streams::stall(link_entry& entry, call& c, bool downwards) {
  if (std::exchange(downwards ? c.stream->stalled_down : c.stream->stalled_up, true)) return;
  if (entry.stalled.empty()) links_.output(entry).tell_below = site_.options.limits.stream_window_bytes / 2;
  entry.stalled.push_back({c.key, downwards});
}

void streams::on_drained(link_entry& entry) {
  for (const auto& [key, downwards] : std::exchange(entry.stalled, {})) {
    auto* c = calls_.find(key);
    if (c == nullptr || !c->stream) continue;
    (downwards ? c->stream->stalled_down : c->stream->stalled_up) = false;
    if (!c->left_behind) drained(*c, downwards);
  }
}

void streams::drained(call& c, bool downwards) {
  auto& s = *c.stream;
  if (!downwards) {
    s.up.drained();
    if (const auto bytes = s.up.next_bytes()) tell_accept(c, 0, bytes);
    return;
  }
  site_.metrics().add(metric::stream_waiting_bytes, -s.down.waiting_bytes());
  s.down.drained();
  tell_credit(c, 0);
}

// -- ends

void streams::fail(call& c, rpc_error error) {
  calls_.cancel(c, coro::cancel_reason::cancelled_by_caller);
  c.cancelled = false;
  calls_.settle(c, outcome::of(error));
}

void streams::fail_over_credit(call& c, std::string_view who) {
  site_.metrics().add(metric::limit_stream_credit);
  fail(c, site_.exhausted(fmt::format("{} has sent more on this stream than it was granted", who),
                          executed::unknown));
}

void streams::fail_invalid(call& c, std::string_view what) {
  fail(c, make_mesh_error(error_code::internal_error, fmt::format("the stream is broken: {}", what),
                          executed::unknown, site_.options.id));
}

}  // namespace weft
