// Reads the responses of a load generator at little cost.
//
// Servers write every success in the same layout, so the first one is scanned in full and remembered as a
// pattern: the bytes up to the id, and those between the id and the result. A response that fits needs two
// comparisons and the id's digits; any other is scanned in full, and so are all batches.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "node/commands/bench/requests.hpp"
#include "proto/envelope.hpp"

namespace weft::tools {

struct response {
  enum class kind : std::uint8_t {
    result,
    error,
    /// A request or notification of the server's own.
    unasked,
    malformed,
  };
  kind what = kind::malformed;
  /// The number of the request; for a batch as a whole: its slot.
  std::uint32_t number = 0;
  /// The code of an error.
  std::int32_t code = 0;
};

class response_reader {
 public:
  response read(std::string_view payload) {
    std::size_t id_end = before_id_.size() + id_digits;
    if (learnt_ && payload.size() > id_end + after_id_.size() && payload.starts_with(before_id_) &&
        payload.substr(id_end).starts_with(after_id_)) {
      if (auto number = number_of(payload.substr(before_id_.size(), id_digits))) {
        return {response::kind::result, *number, 0};
      }
    }
    return read_in_full(payload);
  }

  /// The answer to a batch of `size` requests: a result with the batch's slot when it answers each of them
  /// once, whether with a result or an error; `members` then has those.
  response read_batch(std::string_view payload, std::size_t size);
  /// The answers of the last batch that was read, in the server's order.
  const std::vector<response>& members() const noexcept { return members_; }
  /// What the first error of each code said.
  const std::map<std::int32_t, std::string>& first_messages() const noexcept { return first_messages_; }

 private:
  response classify(const proto::envelope& message);
  response read_in_full(std::string_view payload);
  void learn(std::string_view payload, const proto::envelope& message);

  bool learnt_ = false;
  std::string before_id_;
  std::string after_id_;
  std::vector<proto::envelope> batch_;
  std::vector<response> members_;
  std::vector<bool> answered_;
  std::map<std::int32_t, std::string> first_messages_;
};

}  // namespace weft::tools
