// What the callee sends: items, and what it takes in turn.
#include <fmt/format.h>

#include "actors/router/streams.hpp"

namespace weft {
namespace {

using proto::count_text;

std::int64_t size_of(std::string_view raw) {
  return static_cast<std::int64_t>(raw.size());
}

}  // namespace

void streams::on_item(call& c, const members& m) {
  auto& s = *c.stream;
  if (c.from == call::origin::router) {
    auto& item = outbox_.add(c.leg.shard, remote_item::type::stream, c.leg.shard, c.leg.attempt);
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
  if (c.caller.cancelled) return true;
  const auto around =
      static_cast<std::int64_t>(stream_state::around_value + c.caller.raw_id.size() + raw_cursor.size());
  const bool granted = s.down.take(size_of(raw_value), around);
  site_.metrics().add(metric::stream_waiting_bytes, size_of(raw_value) + around);
  if (!granted) return fail_over_credit(c, "the callee"), false;
  site_.metrics().add(metric::stream_items);
  site_.metrics().add(metric::stream_bytes, size_of(raw_value));
  if (s.resumable && !raw_cursor.empty()) s.cursor = raw_cursor;
  // Another instance has taken over and gets on: its own failure is a new one.
  if (c.attempts.tried.count() > 1) {
    s.earlier_attempts += c.attempts.tried.count() - 1U;
    c.attempts.tried.keep_last();
  }
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
  auto* caller = links_.find(c.caller.key);
  if (caller == nullptr) return true;
  const auto bytes =
      raw_value.size() + raw_cursor.size() + c.caller.raw_id.size() + stream_state::around_value;
  if (auto refusal = check_room(*caller, bytes, site_.options.limits.output_hard_bytes / 2)) [[unlikely]]
    return fail(c, *refusal), false;
  auto& out = links_.output(*caller).bulk;
  const auto start = proto::begin_frame(out);
  proto::append_stream_item(out, c.caller.raw_id, s.next_seq++, raw_value, raw_cursor);
  proto::end_frame(out, start);
  if (caller->state.half_closed && !doubt_caller(c)) [[unlikely]]
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
  auto& gathered = s.rare().gathered;
  const bool first = gathered.size() == 1;
  if (gathered.size() + raw_value.size() + (first ? 1 : 2) > limit) {
    site_.metrics().add(metric::limit_stream_gather);
    fail(c, site_.exhausted(fmt::format("the items of this stream take more than {} bytes as one answer "
                                        "(limits.stream_gather_bytes): ask for them one by one, with "
                                        R"("stream": {{"credit": n}})",
                                        limit),
                            executed::unknown));
    return false;
  }
  if (!calls_.hold(c, raw_value.size())) return false;
  if (!first) gathered += ',';
  gathered += raw_value;
  drained(c, true);
  if (s.down.items() > gathered_at_a_time / 2) return true;
  const auto more = gathered_at_a_time - s.down.items();
  s.down.grant({more});
  tell_credit(c);
  return true;
}

bool streams::gathered_for(call& c) {
  auto& s = *c.stream;
  if (!s.gathers || s.plain_callee) return false;
  s.rare().gathered += ']';
  return true;
}

void streams::on_accept(call& c, const members& m) {
  const auto granted = proto::read_grant(m);
  if (!granted) return fail_invalid(c, "its credit is no whole number from 0");
  const bool keeps_flow = c.attempts[0].to == attempt::target::connection || c.stream->callee != nullptr;
  if (!keeps_flow) return tell_accept(c, *granted);
  c.stream->up.grant(*granted);
  accept_more(c);
}

void streams::accept(call& c, std::int64_t items) {
  auto& up = c.stream->up;
  up.drained();
  up.grant({items});
  accept_more(c);
}

void streams::accept_more(call& c) {
  if (const auto more = c.stream->up.next(window_up(c))) tell_accept(c, *more);
}

void streams::tell_accept(call& c, const proto::stream_grant& more) {
  auto& s = *c.stream;
  s.took_input = s.took_input || more.items > 0;
  s.send_credit += more.items;
  if (s.caller != nullptr) return s.caller->on_grant(more.items, more.bytes.value_or(0));
  const count_text credit(more.items);
  const count_text window(more.bytes.value_or(0));
  members m;
  m.credit = credit;
  if (more.bytes) m.bytes = window;
  if (c.from == call::origin::router) {
    auto& item = outbox_.add(c.leg.shard, remote_item::type::stream, c.leg.shard, c.leg.attempt);
    item.stream = kind::accept;
    return proto::append_stream_members(item.text, m);
  }
  auto* caller = s.gathers ? nullptr : links_.find(c.caller.key);
  if (caller == nullptr) return;
  m.id = c.caller.raw_id;
  auto& out = links_.output(*caller).bulk;
  const auto start = proto::begin_frame(out);
  proto::append_stream_message(out, kind::accept, m);
  proto::end_frame(out, start);
}

}  // namespace weft
