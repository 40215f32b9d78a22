// The requests of a load generator, rendered before it starts: one frame per slot of a connection's pipeline,
// with the slot number as an id of fixed width. Ids are unique among the requests that one connection has in
// flight.
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

/// The slot that an id belongs to; nothing when it is none of ours.
inline std::optional<std::uint32_t> slot_of(std::string_view raw_id) noexcept {
  // A leading 1 keeps the width without the leading zeros that JSON forbids.
  if (raw_id.size() != id_digits || raw_id.front() != '1') return std::nullopt;
  std::uint32_t slot = 0;
  for (char digit : raw_id.substr(1)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    slot = slot * 10 + static_cast<std::uint32_t>(digit - '0');
  }
  return slot;
}

class request_table {
 public:
  /// Refuses tables that would take more memory than a load generator should.
  static std::expected<request_table, std::string> make(std::string_view method, std::string_view raw_params,
                                                        std::size_t slots);

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
