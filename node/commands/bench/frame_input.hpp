// Receives into one buffer that all connections of a load generator share, and cuts frames without copying
// them.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>

#include "node/client/client.hpp"
#include "proto/foreign.hpp"

namespace weft::tools {

class frame_input {
 public:
  /// One recv(2). `partial` holds what the connection has of an incomplete frame, before and after.
  /// Returns why the connection is lost, empty when it is not.
  template <class OnReceived, class OnFrame>
  std::string receive(int fd, std::string& partial, OnReceived&& on_received, OnFrame&& on_frame) {
    std::size_t kept = partial.size();
    if (buffer_.size() < 2 * kept) buffer_.resize(2 * kept);
    std::memcpy(buffer_.data(), partial.data(), kept);
    ssize_t count = ::recv(fd, buffer_.data() + kept, buffer_.size() - kept, 0);
    if (count == 0) return "closed by the server";
    if (count < 0) return errno == EAGAIN || errno == EINTR ? std::string() : error_text(errno);
    on_received();
    std::string_view rest(buffer_.data(), kept + static_cast<std::size_t>(count));
    for (std::string_view payload; next_frame(rest, payload); framed_ = true) on_frame(payload);
    if (bad_length(rest)) {
      if (framed_) return "the server sent no valid frame";
      return "the server " + std::string(explain(proto::what_it_speaks(rest)));
    }
    partial.assign(rest);
    return {};
  }

 private:
  static constexpr std::size_t initial_bytes = std::size_t{256} << 10;

  static std::uint32_t length_of(std::string_view frame) noexcept {
    std::uint32_t length = 0;
    std::memcpy(&length, frame.data(), sizeof length);
    return __builtin_bswap32(length);
  }
  static bool bad_length(std::string_view rest) noexcept {
    if (rest.size() < proto::frame_header_bytes) return false;
    std::uint32_t length = length_of(rest);
    return length == 0 || length > client::max_frame_bytes;
  }
  static bool next_frame(std::string_view& rest, std::string_view& payload) noexcept {
    if (rest.size() < proto::frame_header_bytes || bad_length(rest)) return false;
    std::size_t length = length_of(rest);
    if (rest.size() - proto::frame_header_bytes < length) return false;
    payload = rest.substr(proto::frame_header_bytes, length);
    rest.remove_prefix(proto::frame_header_bytes + length);
    return true;
  }

  /// Whether anything was a frame, on any connection.
  bool framed_ = false;
  std::vector<char> buffer_ = std::vector<char>(initial_bytes);
};

}  // namespace weft::tools
