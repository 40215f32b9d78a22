#include "proto/frame.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace weft::proto {
namespace {

/// A buffer up to this size is kept for the next frame that arrives in pieces; a larger one is given back
/// once it is idle, since thousands of connections that each saw one large frame must not hold on to it.
constexpr std::size_t kept_buffer_bytes = 4096;

std::int32_t read_length(std::string_view header) noexcept {
  const auto byte = [header](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(header[i])}; };
  return static_cast<std::int32_t>(byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3));
}

void write_length(char* header, std::size_t length) {
  if (length > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw std::length_error("a frame of " + std::to_string(length) +
                            " bytes is longer than the 2147483647 that its header can say");
  }
  for (std::size_t i = 0; i < frame_header_bytes; ++i) {
    header[i] = static_cast<char>(length >> (8 * (frame_header_bytes - 1 - i)) & 0xFF);
  }
}

frame_error check_length(std::int32_t length, std::size_t max_frame_bytes) noexcept {
  if (length == 0) return frame_error::zero_length;
  if (length < 0) return frame_error::negative_length;
  if (static_cast<std::size_t>(length) > max_frame_bytes) return frame_error::too_large;
  return frame_error::none;
}

void move_front(std::string_view& from, std::string& to, std::size_t count) {
  count = std::min(count, from.size());
  to.append(from.substr(0, count));
  from.remove_prefix(count);
}

}  // namespace

std::string_view to_string(frame_error error) noexcept {
  switch (error) {
    case frame_error::none:
      return "no error";
    case frame_error::zero_length:
      return "frame length is zero, it must be positive";
    case frame_error::negative_length:
      return "frame length is negative, it must be positive";
    case frame_error::too_large:
      return "frame length is over the limit";
  }
  std::unreachable();
}

frame_error frame_reader::begin() {
  const bool was_idle = completed_.empty() && partial_.empty();
  if (was_idle && completed_.capacity() > kept_buffer_bytes) std::string().swap(completed_);
  if (was_idle && partial_.capacity() > kept_buffer_bytes) std::string().swap(partial_);
  completed_.clear();
  return failed_;
}

bool frame_reader::next(std::string_view& chunk, std::string_view& payload, frame_error& error) {
  if (!partial_.empty()) return complete_partial(chunk, payload, error);
  if (chunk.size() >= frame_header_bytes) {
    const std::int32_t length = read_length(chunk);
    error = failed_ = check_length(length, max_frame_bytes_);
    if (error != frame_error::none) return false;
    const std::size_t frame_bytes = frame_header_bytes + static_cast<std::size_t>(length);
    if (chunk.size() >= frame_bytes) {
      payload = chunk.substr(frame_header_bytes, static_cast<std::size_t>(length));
      chunk.remove_prefix(frame_bytes);
      return true;
    }
  }
  move_front(chunk, partial_, chunk.size());
  return false;
}

bool frame_reader::complete_partial(std::string_view& chunk, std::string_view& payload, frame_error& error) {
  if (partial_.size() < frame_header_bytes) {
    move_front(chunk, partial_, frame_header_bytes - partial_.size());
    if (partial_.size() < frame_header_bytes) return false;
    error = failed_ = check_length(read_length(partial_), max_frame_bytes_);
    if (error != frame_error::none) {
      std::string().swap(partial_);
      return false;
    }
  }
  const std::size_t frame_bytes = frame_header_bytes + static_cast<std::size_t>(read_length(partial_));
  move_front(chunk, partial_, frame_bytes - partial_.size());
  if (partial_.size() < frame_bytes) return false;
  completed_.swap(partial_);
  partial_.clear();
  payload = std::string_view(completed_).substr(frame_header_bytes);
  return true;
}

std::size_t whole_frames(std::string_view text, std::size_t most) noexcept {
  std::size_t end = 0;
  while (text.size() - end >= frame_header_bytes) {
    const auto next = end + frame_header_bytes + static_cast<std::size_t>(read_length(text.substr(end)));
    if (next > text.size() || (end > 0 && next > most)) break;
    end = next;
  }
  return end;
}

void append_frame(std::string& out, std::string_view payload) {
  const std::size_t start = begin_frame(out);
  out.append(payload);
  end_frame(out, start);
}

std::size_t begin_frame(std::string& out) {
  const std::size_t start = out.size();
  out.append(frame_header_bytes, '\0');
  return start;
}

void end_frame(std::string& out, std::size_t start) {
  write_length(out.data() + start, out.size() - start - frame_header_bytes);
}

}  // namespace weft::proto
