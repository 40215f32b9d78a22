#include "actors/transport/output_queue.hpp"

#include <algorithm>
#include <cstdint>

#include "proto/frame.hpp"

namespace weft {
namespace {

constexpr std::size_t piece_bytes = std::size_t{64} * 1024;

std::size_t frame_bytes_at(std::string_view bytes, std::size_t at) {
  std::uint32_t length = 0;
  for (std::size_t i = 0; i < proto::frame_header_bytes; ++i) {
    length = length << 8 | static_cast<unsigned char>(bytes[at + i]);
  }
  return proto::frame_header_bytes + length;
}

}  // namespace

void output_queue::append(std::string_view frames) {
  if (frames.empty()) return;
  size_ += frames.size();
  if (!pieces_.empty() && pieces_.back().size() + frames.size() <= piece_bytes) {
    pieces_.back().append(frames);
  } else {
    pieces_.emplace_back(frames);
  }
}

void output_queue::append_urgent(std::string_view frames) {
  size_ += frames.size();
  urgent_.append(frames);
}

std::string_view output_queue::front() const noexcept {
  if (urgent_is_next()) return std::string_view(urgent_).substr(urgent_sent_);
  if (pieces_.empty()) return {};
  const auto piece = std::string_view(pieces_.front()).substr(sent_);
  return urgent_.empty() ? piece : piece.substr(0, boundary_ - sent_);
}

void output_queue::consume(std::size_t count) {
  size_ -= count;
  while (count > 0) {
    const auto part = std::min(count, front().size());
    if (urgent_is_next()) {
      consume_urgent(part);
    } else {
      consume_bulk(part);
    }
    count -= part;
  }
}

void output_queue::begin(std::size_t count) {
  // Urgent frames are not overtaken, and what follows them stays behind them.
  if (count == 0 || urgent_is_next()) return;
  while (boundary_ < sent_ + count) boundary_ += frame_bytes_at(pieces_.front(), boundary_);
}

void output_queue::consume_urgent(std::size_t count) {
  urgent_sent_ += count;
  if (urgent_sent_ < urgent_.size()) return;
  urgent_ = std::string();
  urgent_sent_ = 0;
}

void output_queue::consume_bulk(std::size_t count) {
  sent_ += count;
  while (boundary_ < sent_) boundary_ += frame_bytes_at(pieces_.front(), boundary_);
  if (sent_ < pieces_.front().size()) return;
  pieces_.pop_front();
  sent_ = boundary_ = 0;
}

}  // namespace weft
