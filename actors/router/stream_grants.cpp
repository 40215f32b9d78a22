#include "actors/router/stream_grants.hpp"

#include <fmt/format.h>

namespace weft {
namespace {

using kind = proto::stream_message;
using proto::count_text;

}  // namespace

void stream_grants::restart(call& c) {
  auto& s = *c.stream;
  s.seq.due = 0;
  s.elsewhere.moving = false;
  s.down.restart();
  s.up = stream_flow(stream_state::around_value);
  s.input.credit = 0;
  const auto told = s.down.next(room_.down(c)).value_or(proto::stream_grant{});
  write_member(c, proto::stream_member(told.items, told.bytes.value_or(0), s.elsewhere.cursor));
}

void stream_grants::write_member(call& c, std::string_view value) {
  auto& s = *c.stream;
  text_span* const moved[] = {&c.asked.spans.id, &c.asked.spans.deadline};
  if (s.member.size == 0 && !s.gathers) {
    proto::envelope written;
    proto::scan(c.asked.text, {site_.options.limits.depth, 1, false}, written, site_.shared.scan_batch);
    s.member = span_in(c.asked.text, written.stream);
  }
  if (s.member.size == 0) {
    constexpr std::string_view name = R"("stream":)";
    text_span front{1, 0};
    replace_span(c.asked.text, front, fmt::format("{}{},", name, value), moved);
    s.member = {1 + name.size(), value.size()};
  } else {
    replace_span(c.asked.text, s.member, value, moved);
  }
}

void stream_grants::tell_credit(call& c) {
  auto& s = *c.stream;
  // It waits to be sent to an instance, which is told with the request.
  if (s.callee == nullptr && c.attempts[0].to == attempt::target::none && c.asked.spans.id.size != 0)
    return restart(c);
  const auto more = s.down.next(room_.down(c));
  if (s.callee != nullptr) return s.callee->on_grant(0, 0);
  if (!more) return;
  const count_text credit(more->items);
  const count_text window(more->bytes.value_or(0));
  proto::stream_members m;
  m.credit = credit;
  if (more->bytes) m.bytes = window;
  messages_.to_callee(c, kind::credit, m);
}

void stream_grants::taken(call& c, std::int64_t items) {
  c.stream->down.grant({items});
  drained(c, true);
}

void stream_grants::accept(call& c, std::int64_t items) {
  auto& up = c.stream->up;
  up.drained();
  up.grant({items});
  accept_more(c);
}

void stream_grants::accept_more(call& c) {
  if (const auto more = c.stream->up.next(room_.up(c))) tell_accept(c, *more);
}

void stream_grants::tell_accept(call& c, const proto::stream_grant& more) {
  auto& s = *c.stream;
  s.input.taken = s.input.taken || more.items > 0;
  s.input.credit += more.items;
  if (s.caller != nullptr) return s.caller->on_grant(more.items, more.bytes.value_or(0));
  const count_text credit(more.items);
  const count_text window(more.bytes.value_or(0));
  proto::stream_members m;
  m.credit = credit;
  if (more.bytes) m.bytes = window;
  if (c.from == call::origin::router) return messages_.to_leg(c, kind::accept, m);
  if (auto* caller = s.gathers ? nullptr : connections_.find(c.caller.key))
    messages_.accept_to(*caller, c, m);
}

void stream_grants::drained(call& c, bool downwards) {
  auto& s = *c.stream;
  if (!downwards) {
    s.up.drained();
    return accept_more(c);
  }
  site_.metrics().add(metric::stream_waiting_bytes, -s.down.waiting_bytes());
  s.down.drained();
  tell_credit(c);
}

}  // namespace weft
