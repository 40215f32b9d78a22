#include "node/commands/bench/stream_messages.hpp"

#include <utility>

#include "proto/message.hpp"
#include "proto/stream.hpp"

namespace weft::tools {

namespace {

using kind = stream_event::kind;

constexpr proto::scan_options tolerant{
    .max_depth = proto::depth_limit, .max_batch = 1, .require_version = false};

/// A pattern longer than this would hold payload that differs from one item to the next.
constexpr std::size_t max_pattern_bytes = 128;

}  // namespace

stream_event stream_message_reader::read_response(const proto::envelope& message) {
  const auto number = number_of(message.id);
  if (!number) return {};
  if (message.error.empty()) return {kind::result, *number};
  auto error = proto::parse_error_object(message.error);
  first_messages_.try_emplace(error.code, std::move(error.message));
  return {kind::error, *number, error.code};
}

stream_event stream_message_reader::read_in_full(std::string_view payload) {
  proto::envelope message;
  if (proto::scan(payload, tolerant, message, batch_).kind != proto::scan_kind::single) return {};
  switch (message.kind) {
    case proto::message_kind::response:
      return read_response(message);
    case proto::message_kind::notification:
      return read_notification(payload, message);
    case proto::message_kind::request:
      return {kind::unasked};
    case proto::message_kind::invalid:
      return {};
  }
  return {};
}

stream_event stream_message_reader::read_notification(std::string_view payload,
                                                      const proto::envelope& message) {
  name_ = message.method;
  if (message.method_escaped) proto::unescape(message.method, name_);
  const auto what = proto::find_stream_message(name_);
  if (!what) return {kind::unasked};
  proto::stream_members members;
  if (message.params.empty() || !proto::read_stream_members(message.params, members)) return {};
  const auto number = number_of(members.id);
  if (!number) return {};
  if (*what == proto::stream_message::accept) return {kind::accept, *number};
  const auto seq = proto::read_count(members.seq);
  if (*what != proto::stream_message::item || !seq || members.value.empty()) return {};
  // Positions in the text, since each of the members points into it.
  const auto start_of = [&](std::string_view member) {
    return static_cast<std::size_t>(member.data() - payload.data());
  };
  const auto id_end = start_of(members.id) + members.id.size();
  const auto seq_end = start_of(members.seq) + members.seq.size();
  const bool usual_order = id_end < start_of(members.seq) && seq_end < start_of(members.value);
  if (usual_order && start_of(members.value) < max_pattern_bytes) {
    before_id_ = payload.substr(0, start_of(members.id));
    before_seq_ = payload.substr(id_end, start_of(members.seq) - id_end);
    before_value_ = payload.substr(seq_end, start_of(members.value) - seq_end);
  }
  return {kind::item, *number, 0, *seq};
}

}  // namespace weft::tools
