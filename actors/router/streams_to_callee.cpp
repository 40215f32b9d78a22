// What the caller sends: credit, values, exceptions, and that it sends no more.
#include <fmt/format.h>

#include "actors/router/streams.hpp"

namespace weft {
namespace {

using proto::count_text;

}  // namespace

template <class Write>
bool streams::to_callee(call& c, kind what, Write&& write) {
  const auto& a = c.attempts[0];
  members m;
  write(m);
  if (a.to == attempt::target::router) {
    auto& item = outbox_.add(a.target_shard, remote_item::type::stream, site_.index(), c.key_of(a));
    item.stream = what;
    proto::append_stream_members(item.text, m);
  } else if (a.to == attempt::target::connection) {
    auto* callee = links_.find(a.callee);
    if (callee == nullptr) return true;
    const count_text id(static_cast<std::int64_t>(c.key_of(a).number()));
    m.id = id;
    if (auto refusal = check_room_for(what, m, *callee)) [[unlikely]]
      return fail(c, *refusal), false;
    auto& out = links_.output(*callee).bulk;
    const auto start = proto::begin_frame(out);
    proto::append_stream_message(out, what, m);
    proto::end_frame(out, start);
  }
  return true;
}

std::optional<rpc_error> streams::check_room_for(kind what, const members& m, const link_entry& callee) {
  const auto bytes = m.value.size() + m.error.size() + stream_state::around_value;
  const auto& limits = site_.options.limits;
  if (what == kind::send) return check_room(callee, bytes, limits.output_hard_bytes / 2);
  // What is thrown needs no grant.
  if (what == kind::raise) return check_room(callee, bytes, limits.output_soft_bytes);
  return std::nullopt;
}

void streams::taken(call& c, std::int64_t items) {
  c.stream->down.grant({items});
  site_.metrics().add(metric::stream_waiting_bytes, -c.stream->down.waiting_bytes());
  c.stream->down.drained();
  tell_credit(c);
}

void streams::on_credit(call& c, const members& m) {
  const auto granted = proto::read_grant(m);
  if (!granted) return fail_invalid(c, "its caller grants what is no whole number from 0");
  if (c.from == call::origin::router) {
    // The caller's reactor has counted it.
    to_callee(c, kind::credit, [&](members& to) {
      to.credit = m.credit;
      to.bytes = m.bytes;
    });
    return;
  }
  c.stream->down.grant(*granted);
  tell_credit(c);
}

void streams::begin_here(call& c) {
  c.stream->down.next(window_down(c));
}

void streams::tell_credit(call& c) {
  auto& s = *c.stream;
  // It waits to be sent to an instance, which is told with the request.
  if (s.callee == nullptr && c.attempts[0].to == attempt::target::none && c.asked.spans.id.size != 0)
    return restart(c);
  const auto more = s.down.next(window_down(c));
  if (s.callee != nullptr) return s.callee->on_grant(0, 0);
  if (!more) return;
  const count_text credit(more->items);
  const count_text window(more->bytes.value_or(0));
  to_callee(c, kind::credit, [&](members& m) {
    m.credit = credit;
    if (more->bytes) m.bytes = window;
  });
}

void streams::on_send(call& c, const members& m) {
  auto& s = *c.stream;
  if (c.caller.cancelled) return;
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
  if (is_last_leg && !s.up.take(static_cast<std::int64_t>(m.value.size()), stream_state::around_value))
    return fail_over_credit(c, "the caller");
  if (s.callee != nullptr) return s.callee->on_value(m.value);
  const bool goes_on = to_callee(c, kind::send, [&](members& to) {
    to.seq = m.seq;
    to.value = m.value;
  });
  if (!goes_on || !is_last_leg) return;
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

void streams::on_sent(call& c) {
  if (c.stream->half_closed) to_callee(c, kind::end, [](members&) {});
}

}  // namespace weft
