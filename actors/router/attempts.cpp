#include "actors/router/attempts.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace weft {
namespace {

std::string cancel_request(std::uint64_t id, bool abandoned) {
  return fmt::format(R"({{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id":{}{}}}}})", id,
                     abandoned ? R"(,"abandoned":true)" : "");
}

}  // namespace

std::int64_t attempts::left_ms(const call& c) const {
  if (!c.has_deadline()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(c.asked.deadline - site_.now());
  return std::max<std::int64_t>(1, left.count());
}

remote_item& attempts::send_away(attempt& a, const connection_address& to) {
  a.to = attempt::target::router;
  a.target_reactor = to.reactor_index;
  auto& item = outbox_.add(to.reactor_index, remote_item::type::call, site_.index(), a.of->key_of(a));
  item.callee = to.key;
  return item;
}

std::optional<rpc_error> attempts::send(attempt& a, const endpoint& to) {
  const call& c = *a.of;
  if (to.connection.reactor_index != site_.index()) {
    auto& item = send_away(a, to.connection);
    item.method = c.asked.method;
    const auto id = append_request_for(item.text, c.asked.text, c.asked.spans, 0, left_ms(c));
    item.id_at = id.at;
    item.id_size = id.size;
    item.streams = c.stream != nullptr;
    return std::nullopt;
  }
  auto* callee = connections_.callable(to.connection.key);
  if (callee == nullptr) return site_.unavailable("the connection to the instance is gone", executed::no);
  // The id and the deadline that it gets have their allowance on links; a service's own limit has none.
  constexpr std::size_t most_added = 64;
  const auto bytes = proto::frame_header_bytes + c.asked.text.size() + (callee->is_link() ? most_added : 0);
  if (auto refusal = connections_.check_room(*callee, bytes, executed::no)) return refusal;
  auto& out = connections_.output(*callee).bulk;
  attach(a, *callee, out.size());
  const auto start = proto::begin_frame(out);
  append_request_for(out, c.asked.text, c.asked.spans, c.key_of(a).number(), left_ms(c));
  proto::end_frame(out, start);
  return std::nullopt;
}

std::optional<rpc_error> attempts::send_direct(attempt& a, const connection_address& to) {
  const auto& asked = a.of->asked;
  if (to.reactor_index == site_.index()) return send_to_here(a, to.key, asked.text, asked.spans.id);
  auto& item = send_away(a, to);
  item.text = asked.text;
  item.id_at = asked.spans.id.at;
  item.id_size = asked.spans.id.size;
  return std::nullopt;
}

std::optional<rpc_error> attempts::send_to_here(attempt& a, connection_key to, std::string_view text,
                                                text_span id) {
  auto* callee = connections_.callable(to);
  if (callee == nullptr)
    return site_.unavailable("the connection to the callee is gone, draining or full", executed::no);
  if (auto refusal = connections_.check_room(*callee, proto::frame_header_bytes + text.size(), executed::no))
    return refusal;
  auto& out = connections_.output(*callee).bulk;
  attach(a, *callee, out.size());
  const auto start = proto::begin_frame(out);
  append_with_id(out, text, id, a.of->key_of(a).number());
  proto::end_frame(out, start);
  return std::nullopt;
}

void attempts::notify(const connection_address& to, std::string_view text) {
  if (to.reactor_index != site_.index()) {
    // With the calls, so that neither overtakes the other.
    auto& item = outbox_.add(to.reactor_index, remote_item::type::notification, site_.index(), {});
    item.callee = to.key;
    item.text = text;
    return;
  }
  auto* callee = connections_.callable(to.key);
  if (callee == nullptr) return;
  if (connections_.check_room(*callee, proto::frame_header_bytes + text.size(), executed::no)) return;
  connections_.send_frame(*callee, text, false);
}

void attempts::cancel(attempt& a, bool awaited) {
  const auto key = a.of->key_of(a);
  switch (a.to) {
    case attempt::target::connection:
      // Behind its request, which may still wait: a cancellation that comes first names nothing yet.
      if (auto* callee = connections_.find(a.callee))
        connections_.send_frame(*callee, cancel_request(key.number(), callee->is_link() && !awaited), false);
      return;
    case attempt::target::router: {
      const auto what = awaited ? remote_item::type::cancel : remote_item::type::abandon;
      outbox_.add(a.target_reactor, what, site_.index(), key);
      return;
    }
    case attempt::target::none:
      return;
  }
}

void attempts::abandon(attempt& a) {
  const auto* callee = a.to == attempt::target::connection ? connections_.find(a.callee) : nullptr;
  if (a.to == attempt::target::router || (callee != nullptr && callee->is_link())) cancel(a);
}

void attempts::attach(attempt& a, connection_entry& callee, std::size_t output_bytes) {
  a.to = attempt::target::connection;
  a.callee = callee.key();
  link_front(callee.load.attempts_received, a);
  ++callee.load.received_count;
  if (a.of->stream) ++callee.streams.received;
  const auto& status = callee.transport->status();
  a.queued_before = status.bytes_written + status.pending_output + output_bytes;
}

void attempts::detach(attempt& a) {
  if (a.to == attempt::target::connection) {
    if (auto* callee = connections_.find(a.callee)) {
      unlink(callee->load.attempts_received, a);
      --callee->load.received_count;
      if (a.of->stream) --callee->streams.received;
    }
  }
  a.to = attempt::target::none;
  if (a.permit) permits_.leave(a);
  // Taken back before it was answered: that says nothing about the instance.
  if (const auto instance = std::exchange(a.instance, nullptr)) instance->end_unknown();
}

}  // namespace weft
