// Frames on the wire: a signed 32-bit big-endian length, then that many bytes of UTF-8 JSON.
//
// Thread safety: none needed, every object belongs to one connection.
// Memory: grows only with bytes that have arrived, never with a declared length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace weft::proto {

inline constexpr std::size_t frame_header_bytes = 4;

enum class frame_error : std::uint8_t {
  none,
  zero_length,
  negative_length,
  /// Over the reader's limit.
  too_large,
};

std::string_view to_string(frame_error) noexcept;

/// Cuts a byte stream into frames. After an error the stream has no frame boundary any more: the caller
/// answers and closes, further bytes are refused with the same error.
///
/// A frame that arrives whole is delivered as a view into the chunk; one that arrives in pieces is put
/// together in a buffer of the reader's own. Views stay valid as long as the chunk does and until the next
/// call of `feed`.
class frame_reader {
 public:
  explicit frame_reader(std::size_t max_frame_bytes) noexcept : max_frame_bytes_(max_frame_bytes) {}

  /// Calls `on_frame(std::string_view payload)` for each frame that `chunk` completes, in order.
  template <class OnFrame>
  frame_error feed(std::string_view chunk, OnFrame&& on_frame) {
    frame_error error = begin();
    std::string_view payload;
    while (error == frame_error::none && next(chunk, payload, error)) on_frame(payload);
    return error;
  }

  /// True when the stream stands inside a frame: its end here is an error, not a clean end.
  bool mid_frame() const noexcept { return !partial_.empty(); }
  /// Bytes held for an incomplete frame.
  std::size_t buffered_bytes() const noexcept { return partial_.size(); }
  std::size_t max_frame_bytes() const noexcept { return max_frame_bytes_; }
  /// Holds from the next header on.
  void set_max_frame_bytes(std::size_t bytes) noexcept { max_frame_bytes_ = bytes; }

 private:
  /// Lets go of the previous call's frame; the error that ended the stream, if one did.
  frame_error begin();
  /// Takes the next complete frame off the front of `chunk`; false when there is none, keeping the rest.
  bool next(std::string_view& chunk, std::string_view& payload, frame_error& error);
  bool complete_partial(std::string_view& chunk, std::string_view& payload, frame_error& error);

  std::size_t max_frame_bytes_;
  /// Header and payload so far of a frame that arrives in pieces.
  std::string partial_;
  /// The last one of these that became whole: what its view points into.
  std::string completed_;
  frame_error failed_ = frame_error::none;
};

/// How many of these bytes, which begin with a frame, are whole frames of at most `most` bytes together, or
/// one that is longer.
std::size_t whole_frames(std::string_view text, std::size_t most) noexcept;

/// Appends a frame with this payload. This and `end_frame` throw std::length_error for more than 2^31 - 1
/// bytes.
void append_frame(std::string& out, std::string_view payload);

/// For rendering a payload in place: reserves the header, later fills in the length of what was appended
/// since.
std::size_t begin_frame(std::string& out);
void end_frame(std::string& out, std::size_t start);

}  // namespace weft::proto
