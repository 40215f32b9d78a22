#include "node/client/client.hpp"

#include <array>
#include <cerrno>

#include <fmt/format.h>
#include <poll.h>

namespace weft::tools {

namespace {

std::unexpected<client_error> fail(client_error::kind kind, std::string message) {
  return std::unexpected(client_error{kind, std::move(message)});
}

constexpr const char* not_taken = "the peer did not take the message in time";

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

std::expected<client, std::string> client::connect(const host_port& address, steady_clock::time_point until,
                                                   const tls_link& link) {
  auto socket = connect_tcp(address, until);
  if (!socket) return std::unexpected(std::move(socket.error()));
  client made(std::move(*socket));
  if (link.context) {
    auto session = shake_hands(link, made.native_handle(), address, until);
    if (!session) return std::unexpected(std::move(session.error()));
    made.tls_ = std::move(*session);
  }
  return made;
}

std::expected<void, client_error> client::send(std::string_view payload, steady_clock::time_point until) {
  std::string frame;
  proto::append_frame(frame, payload);
  return send_bytes(frame, until);
}

std::expected<void, client_error> client::wait(short events, steady_clock::time_point until,
                                               const char* complaint) {
  if (wait_ready(socket_.get(), events, until)) return {};
  return fail(client_error::kind::timed_out, complaint);
}

std::expected<void, client_error> client::send_bytes(std::string_view bytes, steady_clock::time_point until) {
  if (tls_) return send_encrypted(bytes, until);
  while (!bytes.empty()) {
    ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (!would_block(errno)) {
      return fail(client_error::kind::failed, fmt::format("sending failed: {}", error_text(errno)));
    } else if (auto ready = wait(POLLOUT, until, not_taken); !ready) {
      return ready;
    }
  }
  return {};
}

std::expected<void, client_error> client::send_encrypted(std::string_view bytes,
                                                         steady_clock::time_point until) {
  for (;;) {
    const auto sent = tls_->write(bytes);
    bytes.remove_prefix(sent.bytes);
    if (sent.what == tls::progress::done) return {};
    if (sent.what == tls::progress::failed) return fail(client_error::kind::failed, tls_->error());
    const short events = sent.what == tls::progress::wants_read ? POLLIN : POLLOUT;
    if (auto ready = wait(events, until, not_taken); !ready) return ready;
  }
}

std::expected<std::string, client_error> client::receive(steady_clock::time_point until) {
  for (;;) {
    if (auto payload = take_received()) return std::move(*payload);
    if (broken_ == proto::frame_error::none && !ended_) {
      const auto events = static_cast<short>(POLLIN | reading_wants_);
      if (auto ready = wait(events, until, "no message came in time"); !ready)
        return std::unexpected(ready.error());
    }
    if (auto got = receive_some(); !got) return std::unexpected(got.error());
  }
}

void client::take_bytes(std::string_view bytes) {
  beginning_.add(bytes);
  broken_ = reader_.feed(bytes, [this](std::string_view payload) { received_.emplace_back(payload); });
  framed_ = framed_ || !received_.empty();
}

std::expected<void, client_error> client::receive_some() {
  if (broken_ != proto::frame_error::none) return std::unexpected(no_frame());
  if (tls_) return receive_encrypted();
  std::array<char, 16384> chunk;
  ssize_t count = ::recv(socket_.get(), chunk.data(), chunk.size(), 0);
  if (count == 0) return fail(client_error::kind::closed, "the peer closed the connection");
  if (count < 0) {
    if (would_block(errno)) return {};
    return fail(client_error::kind::failed, fmt::format("receiving failed: {}", error_text(errno)));
  }
  take_bytes({chunk.data(), static_cast<std::size_t>(count)});
  return {};
}

/// All that there is: the socket does not tell what has been decrypted.
std::expected<void, client_error> client::receive_encrypted() {
  std::array<char, 16384> chunk;
  for (bool got_some = false;;) {
    const auto [what, count] = tls_->read(chunk);
    reading_wants_ = what == tls::progress::wants_write ? POLLOUT : 0;
    if (what == tls::progress::done) {
      take_bytes({chunk.data(), count});
      got_some = true;
      if (broken_ == proto::frame_error::none) continue;
      return {};
    }
    if (what == tls::progress::wants_read || what == tls::progress::wants_write) return {};
    ended_ = true;
    // Told the next time: the frames before it come first.
    if (got_some) return {};
    if (what == tls::progress::closed)
      return fail(client_error::kind::closed, "the peer closed the connection");
    return fail(what == tls::progress::truncated ? client_error::kind::closed : client_error::kind::failed,
                tls_->error());
  }
}

std::optional<std::string> client::take_received() {
  if (received_.empty()) return std::nullopt;
  std::string payload = std::move(received_.front());
  received_.pop_front();
  return payload;
}

client_error client::no_frame() const {
  if (!framed_)
    return {client_error::kind::foreign, fmt::format("the peer {}", explain(beginning_.what_it_speaks()))};
  return {client_error::kind::failed,
          fmt::format("the peer sent no valid frame ({})", proto::to_string(broken_))};
}

void client::finish_sending() {
  if (tls_) tls_->shutdown();
  ::shutdown(socket_.get(), SHUT_WR);
}

std::expected<void, client_error> client::await_end(steady_clock::time_point until) {
  for (;;) {
    const auto payload = receive(until);
    if (payload) continue;
    if (payload.error().what == client_error::kind::closed) return {};
    return std::unexpected(payload.error());
  }
}

}  // namespace weft::tools
