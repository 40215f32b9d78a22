#include "node/commands/bench/responses.hpp"

#include <utility>

#include "proto/message.hpp"

namespace weft::tools {

namespace {

/// A pattern longer than this would hold payload that differs from one response to the next.
constexpr std::size_t max_pattern_bytes = 128;

constexpr proto::scan_options tolerant{
    .max_depth = proto::depth_limit, .max_batch = max_batch, .require_version = false};

}  // namespace

response response_reader::classify(const proto::envelope& message) {
  if (message.kind == proto::message_kind::request || message.kind == proto::message_kind::notification) {
    return {response::kind::unasked, 0, 0};
  }
  if (message.kind != proto::message_kind::response) return {};
  const auto number = number_of(message.id);
  if (message.error.empty()) return number ? response{response::kind::result, *number, 0} : response{};
  // Also of an error that answers no request of ours: it says why the connection is about to end.
  auto error = proto::parse_error_object(message.error);
  first_messages_.try_emplace(error.code, std::move(error.message));
  return number ? response{response::kind::error, *number, error.code} : response{};
}

response response_reader::read_in_full(std::string_view payload) {
  proto::envelope message;
  if (proto::scan(payload, tolerant, message, batch_).kind != proto::scan_kind::single) return {};
  response answer = classify(message);
  if (answer.what == response::kind::result) learn(payload, message);
  return answer;
}

response response_reader::read_batch(std::string_view payload, std::size_t size) {
  members_.clear();
  proto::envelope message;
  auto scanned = proto::scan(payload, tolerant, message, batch_).kind;
  if (scanned == proto::scan_kind::single && classify(message).what == response::kind::unasked) {
    return {response::kind::unasked, 0, 0};
  }
  if (scanned != proto::scan_kind::batch || batch_.size() != size) return {};
  answered_.assign(size, false);
  for (const proto::envelope& member : batch_) {
    response answer = classify(member);
    if (answer.what != response::kind::result && answer.what != response::kind::error) return {};
    members_.push_back(answer);
    bool same_batch = answer.number / size == members_.front().number / size;
    if (!same_batch || answered_[answer.number % size]) return {};
    answered_[answer.number % size] = true;
  }
  return {response::kind::result, static_cast<std::uint32_t>(members_.front().number / size), 0};
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
