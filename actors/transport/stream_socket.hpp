// A connection's socket, plain or with a TLS session on it.
//
// Reads and writes look like recv(2) and send(2). Over TLS either may have to wait for the opposite
// direction, and plaintext may wait here although the descriptor has none: `wants` and `has_buffered` say so.
//
// Ownership: of the descriptor, until `close`. Thread safety: none; part of a connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "actors/tls/session.hpp"

namespace weft {

class stream_socket {
 public:
  /// `session` has finished its handshake; null for a plain connection.
  explicit stream_socket(int descriptor, std::unique_ptr<tls::session> session = {}) noexcept
      : descriptor_(descriptor), session_(std::move(session)) {}
  stream_socket(const stream_socket&) = delete;
  stream_socket& operator=(const stream_socket&) = delete;
  ~stream_socket() { close(); }

  int descriptor() const noexcept { return descriptor_; }
  /// Null for a plain connection.
  const tls::session* session() const noexcept { return session_.get(); }

  /// How much was read, 0 at the end of the stream, -1 with errno: EAGAIN when there is nothing now, EPROTO
  /// when the TLS session broke, ECONNABORTED when it was cut off.
  ssize_t read(char* into, std::size_t size) {
    if (session_) [[unlikely]]
      return read_session(into, size);
    return ::recv(descriptor_, into, size, 0);
  }
  /// How much was taken, -1 with errno: EAGAIN when nothing can be now. Over TLS, what was not taken may have
  /// begun: the next write begins with the same `begun` bytes.
  ssize_t write(std::string_view bytes) {
    if (session_) [[unlikely]]
      return write_session(bytes);
    return ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  std::size_t begun() const noexcept { return begun_; }

  /// Whether `read` may have something although the descriptor has not.
  bool has_buffered() const { return session_ && session_->pending(); }
  /// The events to wait for when the owner wants to read or write: the other direction's where TLS must.
  std::uint32_t events(bool to_read, bool to_write) const noexcept {
    if (session_) [[unlikely]]
      return session_events(to_read, to_write);
    return (to_read ? EPOLLIN : 0U) | (to_write ? EPOLLOUT : 0U);
  }
  /// What these events are good for: reading (EPOLLIN), writing (EPOLLOUT).
  std::uint32_t meaning(std::uint32_t events) const noexcept {
    if ((events & EPOLLOUT) != 0 && read_wants_write_) events |= EPOLLIN;
    if ((events & EPOLLIN) != 0 && write_wants_read_) events |= EPOLLOUT;
    return events;
  }

  /// Tells the other side that nothing more comes; false when that must be tried again once it is writable.
  bool finish_writing();
  /// With `reset`, what was not sent is dropped. Over TLS an orderly end is told, if it can be at once.
  void close(bool reset = false) noexcept;

 private:
  std::uint32_t session_events(bool to_read, bool to_write) const noexcept;
  ssize_t read_session(char* into, std::size_t size);
  ssize_t write_session(std::string_view bytes);

  int descriptor_;
  std::unique_ptr<tls::session> session_;
  std::size_t begun_ = 0;
  bool read_wants_write_ = false;
  bool write_wants_read_ = false;
  /// close_notify is yet to be written.
  bool owes_end_ = false;
};

}  // namespace weft
