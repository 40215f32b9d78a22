// Reads what comes within the streams of a load generator at little cost.
//
// Servers write every item in the same layout, so the first one is scanned in full and remembered as a
// pattern: the bytes before the id, between it and the seq, and between that and the value. An item that fits
// needs three comparisons and the digits of two numbers; everything else is scanned in full.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "node/commands/bench/requests.hpp"
#include "proto/envelope.hpp"

namespace weft::tools {

struct stream_event {
  enum class kind : std::uint8_t {
    item,
    /// Values may be sent.
    accept,
    result,
    error,
    /// A request or notification of the server's own.
    unasked,
    malformed,
  };
  kind what = kind::malformed;
  /// Number of the stream's request.
  std::uint32_t number = 0;
  /// Code of an error.
  std::int32_t code = 0;
  /// Sequence number of an item.
  std::int64_t seq = 0;
};

class stream_message_reader {
 public:
  stream_event read(std::string_view payload) {
    if (auto event = read_as_learnt(payload); event.what == stream_event::kind::item) return event;
    return read_in_full(payload);
  }
  /// What the first error of each code said.
  const std::map<std::int32_t, std::string>& first_messages() const noexcept { return first_messages_; }

 private:
  /// An item, or nothing that is known.
  stream_event read_as_learnt(std::string_view payload) const noexcept {
    if (before_id_.empty() || !payload.starts_with(before_id_)) return {};
    payload.remove_prefix(before_id_.size());
    const auto number = number_of(payload.substr(0, id_digits));
    if (!number) return {};
    payload.remove_prefix(id_digits);
    if (!payload.starts_with(before_seq_)) return {};
    payload.remove_prefix(before_seq_.size());
    std::int64_t seq = 0;
    std::size_t digits = 0;
    for (; digits < payload.size() && payload[digits] >= '0' && payload[digits] <= '9'; ++digits) {
      if (digits == most_digits) return {};
      seq = seq * 10 + (payload[digits] - '0');
    }
    payload.remove_prefix(digits);
    if (digits == 0 || !payload.starts_with(before_value_)) return {};
    return {stream_event::kind::item, *number, 0, seq};
  }
  stream_event read_in_full(std::string_view payload);
  stream_event read_response(const proto::envelope& message);
  stream_event read_notification(std::string_view payload, const proto::envelope& message);

  /// What a seq may have without leaving 64 bits.
  static constexpr std::size_t most_digits = 18;

  std::string before_id_;
  std::string before_seq_;
  std::string before_value_;
  std::vector<proto::envelope> batch_;
  std::string name_;
  std::map<std::int32_t, std::string> first_messages_;
};

}  // namespace weft::tools
