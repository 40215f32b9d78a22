// The requests of a load generator, rendered before it starts: one frame per slot of a connection's pipeline,
// with one request or a batch of them. Ids are numbers of fixed width, counted through all slots: unique
// among the requests that one connection has in flight.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace weft::tools {

inline constexpr std::size_t id_digits = 7;
inline constexpr std::size_t max_pipeline = 65'536;
inline constexpr std::size_t max_batch = 10'000;

std::string id_of(std::size_t number);

/// The request's number, which is its slot when there are no batches; nothing when the id is none of ours.
inline std::optional<std::uint32_t> number_of(std::string_view raw_id) noexcept {
  // A leading 1 keeps the width without the leading zeros that JSON forbids.
  if (raw_id.size() != id_digits || raw_id.front() != '1') return std::nullopt;
  std::uint32_t number = 0;
  for (char digit : raw_id.substr(1)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint32_t>(digit - '0');
  }
  return number;
}

class request_table {
 public:
  /// `batch` requests in each slot, each with the member `stream` if that is not empty. Refuses tables that
  /// would take more memory than a load generator should.
  static std::expected<request_table, std::string> make(std::string_view method, std::string_view raw_params,
                                                        std::size_t slots, std::size_t batch = 1,
                                                        std::string_view raw_stream = {});

  /// The whole frame, header included.
  std::string_view frame(std::uint32_t slot) const noexcept {
    return std::string_view(frames_).substr(slot * frame_bytes_, frame_bytes_);
  }
  std::size_t frame_bytes() const noexcept { return frame_bytes_; }

 private:
  request_table() = default;

  std::string frames_;
  std::size_t frame_bytes_ = 0;
};

}  // namespace weft::tools
