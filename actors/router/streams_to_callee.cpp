// What the caller sends: credit, values, exceptions, and that it sends no more.
#include <fmt/format.h>

#include "actors/router/streams.hpp"

namespace weft {

void streams::on_credit(call& c, const members& m) {
  const auto granted = proto::read_grant(m);
  if (!granted) return failures_.invalid(c, "its caller grants what is no whole number from 0");
  if (c.from == call::origin::router) {
    // The caller's reactor has counted it.
    members to;
    to.credit = m.credit;
    to.bytes = m.bytes;
    messages_.to_callee(c, kind::credit, to);
    return;
  }
  c.stream->down.grant(*granted);
  grants_.tell_credit(c);
}

void streams::on_send(call& c, const members& m) {
  auto& s = *c.stream;
  if (c.caller.cancelled) return;
  const bool passes_on = c.attempts[0].to == attempt::target::router;
  const bool is_last_leg = !passes_on;
  if (c.from != call::origin::router) {
    const auto seq = proto::read_count(m.seq);
    if (m.value.empty() || seq != s.input.due || s.input.ended) {
      return failures_.invalid(c, s.input.ended ? std::string("its caller sends after the end it has told")
                                  : m.value.empty()
                                      ? std::string("its caller sends no value")
                                      : fmt::format("its caller sends the seq {} where {} was due",
                                                    m.seq.empty() ? "none" : m.seq, s.input.due));
    }
    ++s.input.due;
    // Seen here, so that it is never taken for a failure of the instance.
    if (s.input.credit-- <= 0) return failures_.over_credit(c, "the caller");
  }
  if (is_last_leg && !s.up.take(static_cast<std::int64_t>(m.value.size()), stream_state::around_value))
    return failures_.over_credit(c, "the caller");
  if (s.callee != nullptr) return s.callee->on_value(m.value);
  members to;
  to.seq = m.seq;
  to.value = m.value;
  if (!messages_.to_callee(c, kind::send, to) || !is_last_leg) return;
  auto* callee = connections_.find(c.attempts[0].callee);
  if (callee == nullptr) return;
  if (room_.drains(*callee)) return grants_.drained(c, false);
  room_.stall(*callee, c, false);
}

void streams::on_throw(call& c, const members& m) {
  if (!m.error.starts_with('{')) return failures_.invalid(c, "its caller throws what is no error object");
  if (c.stream->callee != nullptr) return c.stream->callee->on_raise(proto::parse_error_object(m.error));
  // What is thrown into a generator that has not begun comes out of it.
  if (c.attempts[0].to == attempt::target::none) return failures_.end(c, proto::parse_error_object(m.error));
  members to;
  to.error = m.error;
  messages_.to_callee(c, kind::raise, to);
}

void streams::on_end(call& c) {
  c.stream->input.ended = true;
  if (c.stream->callee != nullptr) return c.stream->callee->on_half_close();
  messages_.to_callee(c, kind::end, {});
}

void streams::on_sent(call& c) {
  if (c.stream->input.ended) messages_.to_callee(c, kind::end, {});
}

}  // namespace weft
