// What speaks at the other end of a connection when it is no node: told by the first bytes it sends, in which
// a server for something else says what it is, as those of another protocol are no length of a frame.
//
// Thread safety: functions without state.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft::proto {

enum class foreign : std::uint8_t { unknown, http, tls, ssh };

/// As many bytes as a frame's header are enough.
inline constexpr std::size_t telling_bytes = 4;

foreign what_it_speaks(std::string_view first_bytes) noexcept;

/// What to tell about it, behind a name of the other end: `speaks HTTP; is this …`.
std::string_view explain(foreign) noexcept;

/// The first bytes of a stream, however they arrive.
class stream_beginning {
 public:
  void add(std::string_view chunk) noexcept;
  foreign what_it_speaks() const noexcept { return proto::what_it_speaks({bytes_.data(), size_}); }

 private:
  std::array<char, telling_bytes> bytes_{};
  std::uint8_t size_ = 0;
};

}  // namespace weft::proto
