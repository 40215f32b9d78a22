// Reads the responses of a load generator at little cost.
//
// Servers write every success in the same layout, so the first one is scanned in full and remembered as a
// pattern: the bytes up to the id, and those between the id and the result. A response that fits needs two
// comparisons and the id's digits; any other is scanned in full.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "node/tools/bench/requests.hpp"
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
  std::uint32_t slot = 0;
  /// Of an error.
  std::int32_t code = 0;
};

class response_reader {
 public:
  response read(std::string_view payload) {
    std::size_t id_end = before_id_.size() + id_digits;
    if (learnt_ && payload.size() > id_end + after_id_.size() && payload.starts_with(before_id_) &&
        payload.substr(id_end).starts_with(after_id_)) {
      if (auto slot = slot_of(payload.substr(before_id_.size(), id_digits))) {
        return {response::kind::result, *slot, 0};
      }
    }
    return read_in_full(payload);
  }

 private:
  response read_in_full(std::string_view payload);
  void learn(std::string_view payload, const proto::envelope& message);

  bool learnt_ = false;
  std::string before_id_;
  std::string after_id_;
  std::vector<proto::envelope> batch_;
};

}  // namespace weft::tools
