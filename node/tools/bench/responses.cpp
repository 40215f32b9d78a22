#include "node/tools/bench/responses.hpp"

#include "proto/message.hpp"

namespace weft::tools {

namespace {

/// A pattern longer than this would hold payload that differs from one response to the next.
constexpr std::size_t max_pattern_bytes = 128;

}  // namespace

response response_reader::read_in_full(std::string_view payload) {
  proto::envelope message;
  auto scanned =
      proto::scan(payload, {.max_depth = proto::depth_limit, .require_version = false}, message, batch_);
  if (scanned.kind != proto::scan_kind::single) return {};
  if (message.kind == proto::message_kind::request || message.kind == proto::message_kind::notification) {
    return {response::kind::unasked, 0, 0};
  }
  if (message.kind != proto::message_kind::response) return {};
  auto slot = slot_of(message.id);
  if (!slot) return {};
  if (!message.error.empty())
    return {response::kind::error, *slot, proto::parse_error_object(message.error).code};
  learn(payload, message);
  return {response::kind::result, *slot, 0};
}

void response_reader::learn(std::string_view payload, const proto::envelope& message) {
  auto id_start = static_cast<std::size_t>(message.id.data() - payload.data());
  auto result_start = static_cast<std::size_t>(message.result.data() - payload.data());
  std::size_t id_end = id_start + id_digits;
  if (id_start > max_pattern_bytes) return;
  if (result_start > id_end && result_start - id_end > max_pattern_bytes) return;
  before_id_ = payload.substr(0, id_start);
  after_id_ = result_start > id_end ? payload.substr(id_end, result_start - id_end) : std::string_view();
  learnt_ = true;
}

}  // namespace weft::tools
