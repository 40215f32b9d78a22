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

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

std::expected<client, std::string> client::connect(const host_port& address, steady_clock::time_point until) {
  auto socket = connect_tcp(address, until);
  if (!socket) return std::unexpected(std::move(socket.error()));
  return client(std::move(*socket));
}

std::expected<void, client_error> client::send(std::string_view payload, steady_clock::time_point until) {
  std::string frame;
  proto::append_frame(frame, payload);
  return send_bytes(frame, until);
}

std::expected<void, client_error> client::send_bytes(std::string_view bytes, steady_clock::time_point until) {
  while (!bytes.empty()) {
    ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (!would_block(errno)) {
      return fail(client_error::kind::failed, fmt::format("sending failed: {}", error_text(errno)));
    } else if (!wait_ready(socket_.get(), POLLOUT, until)) {
      return fail(client_error::kind::timed_out, "the peer did not take the message in time");
    }
  }
  return {};
}

std::expected<std::string, client_error> client::receive(steady_clock::time_point until) {
  for (;;) {
    if (auto payload = take_received()) return std::move(*payload);
    if (broken_ == proto::frame_error::none && !wait_ready(socket_.get(), POLLIN, until)) {
      return fail(client_error::kind::timed_out, "no message came in time");
    }
    if (auto got = receive_some(); !got) return std::unexpected(got.error());
  }
}

std::expected<void, client_error> client::receive_some() {
  if (broken_ != proto::frame_error::none) return std::unexpected(no_frame());
  std::array<char, 16384> chunk;
  ssize_t count = ::recv(socket_.get(), chunk.data(), chunk.size(), 0);
  if (count == 0) return fail(client_error::kind::closed, "the peer closed the connection");
  if (count < 0) {
    if (would_block(errno)) return {};
    return fail(client_error::kind::failed, fmt::format("receiving failed: {}", error_text(errno)));
  }
  const std::string_view bytes(chunk.data(), static_cast<std::size_t>(count));
  beginning_.add(bytes);
  broken_ = reader_.feed(bytes, [this](std::string_view payload) { received_.emplace_back(payload); });
  framed_ = framed_ || !received_.empty();
  return {};
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

void client::finish_sending() noexcept {
  ::shutdown(socket_.get(), SHUT_WR);
}

}  // namespace weft::tools
