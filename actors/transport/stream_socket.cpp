#include "actors/transport/stream_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <unistd.h>

namespace weft {
namespace {

// One record: what has begun is kept in front of everything else, so it should not be much.
constexpr std::size_t largest_write = std::size_t{16} * 1024;

}  // namespace

ssize_t stream_socket::read_session(char* into, std::size_t size) {
  std::size_t count = 0;
  read_wants_write_ = false;
  // Record by record, as one recv(2) gives what the kernel has.
  while (count < size) {
    const auto got = session_->read({into + count, size - count});
    count += got.bytes;
    if (got.what == tls::progress::done) continue;
    read_wants_write_ = got.what == tls::progress::wants_write;
    // The end is told again to whoever asks once more.
    if (count > 0) break;
    if (got.what == tls::progress::closed) return 0;
    errno = got.what == tls::progress::truncated ? ECONNABORTED
            : got.what == tls::progress::failed  ? EPROTO
                                                 : EAGAIN;
    return -1;
  }
  return static_cast<ssize_t>(count);
}

ssize_t stream_socket::write_session(std::string_view bytes) {
  std::size_t count = 0;
  write_wants_read_ = false;
  begun_ = 0;
  while (count < bytes.size()) {
    const auto part = bytes.substr(count, largest_write);
    const auto put = session_->write({part.data(), part.size()});
    count += put.bytes;
    if (put.what == tls::progress::done) continue;
    if (put.what != tls::progress::wants_write && put.what != tls::progress::wants_read) {
      errno = EPROTO;
      return -1;
    }
    write_wants_read_ = put.what == tls::progress::wants_read;
    begun_ = part.size() - put.bytes;
    break;
  }
  if (count > 0 || bytes.empty()) return static_cast<ssize_t>(count);
  errno = EAGAIN;
  return -1;
}

std::uint32_t stream_socket::session_events(bool to_read, bool to_write) const noexcept {
  std::uint32_t wanted = 0;
  if (to_read) wanted |= read_wants_write_ ? EPOLLIN | EPOLLOUT : EPOLLIN;
  if (to_write) wanted |= write_wants_read_ ? EPOLLIN : EPOLLOUT;
  if (owes_end_) wanted |= EPOLLOUT;
  return wanted;
}

bool stream_socket::finish_writing() {
  owes_end_ = session_ && session_->shutdown() == tls::progress::wants_write;
  if (owes_end_) return false;
  ::shutdown(descriptor_, SHUT_WR);
  return true;
}

void stream_socket::close(bool reset) noexcept {
  if (descriptor_ < 0) return;
  if (reset) {
    // An orderly close would queue behind the output that the other side does not read.
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  } else if (session_) {
    session_->shutdown();
  }
  // What the session knows of its end stays until somebody has asked.
  ::close(std::exchange(descriptor_, -1));
}

}  // namespace weft
