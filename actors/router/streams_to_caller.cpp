// What the callee sends: items, and what it takes in turn.
#include <fmt/format.h>

#include "actors/router/streams.hpp"

namespace weft {
namespace {

std::int64_t size_of(std::string_view raw) {
  return static_cast<std::int64_t>(raw.size());
}

}  // namespace

void streams::on_item(call& c, const members& m) {
  auto& s = *c.stream;
  if (c.from == call::origin::router) {
    members told;
    told.seq = m.seq;
    told.value = m.value;
    told.cursor = m.cursor;
    return messages_.to_leg(c, kind::item, told);
  }
  const auto seq = proto::read_count(m.seq);
  if (m.value.empty() || seq != s.seq.due) {
    return failures_.invalid(c, m.value.empty() ? std::string("an item has no value")
                                                : fmt::format("an item has the seq {} where {} was due",
                                                              m.seq.empty() ? "none" : m.seq, s.seq.due));
  }
  item(c, m.value, m.cursor);
}

bool streams::item(call& c, std::string_view raw_value, std::string_view raw_cursor) {
  auto& s = *c.stream;
  ++s.seq.due;
  if (raw_cursor.size() > longest_cursor)
    return failures_.invalid(c, fmt::format("a cursor of {} bytes is over the limit of {}", raw_cursor.size(),
                                            longest_cursor)),
           false;
  // What its caller has taken back is of no use to it, only the end is.
  if (c.caller.cancelled) return true;
  const auto around =
      static_cast<std::int64_t>(stream_state::around_value + c.caller.raw_id.size() + raw_cursor.size());
  const bool granted = s.down.take(size_of(raw_value), around);
  site_.metrics().add(metric::stream_waiting_bytes, size_of(raw_value) + around);
  if (!granted) return failures_.over_credit(c, "the callee"), false;
  site_.metrics().add(metric::stream_items);
  site_.metrics().add(metric::stream_bytes, size_of(raw_value));
  if (s.elsewhere.allowed && !raw_cursor.empty()) s.elsewhere.cursor = raw_cursor;
  // Another instance has taken over and gets on: its own failure is a new one.
  if (c.attempts.tried.count() > 1) {
    s.elsewhere.earlier_attempts += c.attempts.tried.count() - 1U;
    c.attempts.tried.keep_last();
  }
  return s.gathers ? gather(c, raw_value) : pass_down(c, raw_value, raw_cursor);
}

bool streams::pass_down(call& c, std::string_view raw_value, std::string_view raw_cursor) {
  auto& s = *c.stream;
  if (s.caller != nullptr) {
    ++s.seq.told;
    if (!raw_cursor.empty()) s.caller->on_cursor(raw_cursor);
    s.caller->on_value(raw_value);
    return true;
  }
  auto* caller = connections_.find(c.caller.key);
  if (caller == nullptr) return true;
  const auto bytes =
      raw_value.size() + raw_cursor.size() + c.caller.raw_id.size() + stream_state::around_value;
  if (auto refusal = room_.check(*caller, bytes, site_.options.limits.output_hard_bytes / 2)) [[unlikely]]
    return failures_.end(c, *refusal), false;
  messages_.item_to(*caller, c, raw_value, raw_cursor);
  if (caller->state.half_closed && !doubt_caller(c)) [[unlikely]]
    return false;
  if (room_.drains(*caller)) {
    grants_.drained(c, true);
  } else {
    room_.stall(*caller, c, true);
  }
  return true;
}

bool streams::gather(call& c, std::string_view raw_value) {
  auto& s = *c.stream;
  ++s.seq.told;
  const auto limit = site_.options.limits.stream_gather_bytes;
  auto& gathered = s.rare().gathered;
  const bool first = gathered.size() == 1;
  if (gathered.size() + raw_value.size() + (first ? 1 : 2) > limit) {
    site_.metrics().add(metric::limit_stream_gather);
    failures_.end(
        c, site_.exhausted(fmt::format("the items of this stream take more than {} bytes as one answer "
                                       "(limits.stream_gather_bytes): ask for them one by one, with "
                                       R"("stream": {{"credit": n}})",
                                       limit),
                           executed::unknown));
    return false;
  }
  if (!calls_.hold(c, raw_value.size())) return false;
  if (!first) gathered += ',';
  gathered += raw_value;
  grants_.drained(c, true);
  if (s.down.items() > gathered_at_a_time / 2) return true;
  const auto more = gathered_at_a_time - s.down.items();
  s.down.grant({more});
  grants_.tell_credit(c);
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
  if (!granted) return failures_.invalid(c, "its credit is no whole number from 0");
  const bool keeps_flow = c.attempts[0].to == attempt::target::connection || c.stream->callee != nullptr;
  if (!keeps_flow) return grants_.tell_accept(c, *granted);
  c.stream->up.grant(*granted);
  grants_.accept_more(c);
}

}  // namespace weft
