#include "actors/output_queue.hpp"

#include <algorithm>
#include <cstdint>

#include "proto/frame.hpp"

namespace weft {
namespace {

constexpr std::size_t compact_from = std::size_t{64} * 1024;

std::size_t frame_bytes_at(std::string_view bytes, std::size_t at) {
  std::uint32_t length = 0;
  for (std::size_t i = 0; i < proto::frame_header_bytes; ++i) {
    length = length << 8 | static_cast<unsigned char>(bytes[at + i]);
  }
  return proto::frame_header_bytes + length;
}

}  // namespace

void output_queue::append(std::string_view frames) {
  bytes_.append(frames);
}

void output_queue::append_urgent(std::string_view frames) {
  const std::size_t at = std::max(boundary_, urgent_end_);
  bytes_.insert(at, frames);
  urgent_end_ = at + frames.size();
}

void output_queue::consume(std::size_t count) {
  sent_ += count;
  while (boundary_ < sent_) boundary_ += frame_bytes_at(bytes_, boundary_);
  release_sent();
}

void output_queue::release_sent() {
  if (empty()) {
    if (bytes_.capacity() > compact_from) {
      std::string().swap(bytes_);
    } else {
      bytes_.clear();
    }
    sent_ = boundary_ = urgent_end_ = 0;
  } else if (sent_ >= compact_from && sent_ >= bytes_.size() / 2) {
    bytes_.erase(0, sent_);
    boundary_ -= sent_;
    urgent_end_ -= std::min(urgent_end_, sent_);
    sent_ = 0;
  }
}

}  // namespace weft
