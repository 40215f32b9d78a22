#include "actors/router/stream_messages.hpp"

namespace weft {

bool stream_messages::to_callee(call& c, kind what, members m) {
  const auto& a = c.attempts[0];
  if (a.to == attempt::target::router) {
    auto& item = outbox_.add(a.target_reactor, remote_item::type::stream, site_.index(), c.key_of(a));
    item.stream = what;
    proto::append_stream_members(item.text, m);
  } else if (a.to == attempt::target::connection) {
    auto* callee = connections_.find(a.callee);
    if (callee == nullptr) return true;
    const proto::count_text id(static_cast<std::int64_t>(c.key_of(a).number()));
    m.id = id;
    if (const auto refusal = check_room(what, m, *callee)) [[unlikely]]
      return failures_.end(c, *refusal), false;
    auto& out = connections_.output(*callee).bulk;
    const auto start = proto::begin_frame(out);
    proto::append_stream_message(out, what, m);
    proto::end_frame(out, start);
  }
  return true;
}

std::optional<rpc_error> stream_messages::check_room(kind what, const members& m,
                                                     const connection_entry& callee) {
  const auto bytes = m.value.size() + m.error.size() + stream_state::around_value;
  const auto& limits = site_.options.limits;
  if (what == kind::send) return room_.check(callee, bytes, limits.output_hard_bytes / 2);
  // What is thrown needs no grant.
  if (what == kind::raise) return room_.check(callee, bytes, limits.output_soft_bytes);
  return std::nullopt;
}

void stream_messages::to_leg(const call& c, kind what, const members& m) {
  auto& item =
      outbox_.add(c.leg.reactor_index, remote_item::type::stream, c.leg.reactor_index, c.leg.attempt);
  item.stream = what;
  proto::append_stream_members(item.text, m);
}

void stream_messages::accept_to(connection_entry& caller, const call& c, members m) {
  m.id = c.caller.raw_id;
  auto& out = connections_.output(caller).bulk;
  const auto start = proto::begin_frame(out);
  proto::append_stream_message(out, kind::accept, m);
  proto::end_frame(out, start);
}

void stream_messages::item_to(connection_entry& caller, call& c, std::string_view raw_value,
                              std::string_view raw_cursor) {
  auto& out = connections_.output(caller).bulk;
  const auto start = proto::begin_frame(out);
  proto::append_stream_item(out, c.caller.raw_id, c.stream->seq.told++, raw_value, raw_cursor);
  proto::end_frame(out, start);
}

}  // namespace weft
