// NATS' text protocol, as much of it as a service and its caller need: CONNECT, SUB, PUB, MSG, PING, PONG.
#pragma once

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include "node/client/socket.hpp"

namespace weft::peers {

/// Blocking: the server takes what it is sent whether or not its own output is read. Throws
/// std::runtime_error.
class nats_connection {
 public:
  explicit nats_connection(const host_port& server) {
    auto socket = tools::connect_tcp(server, tools::steady_clock::now() + std::chrono::seconds(10));
    if (!socket) throw std::runtime_error(socket.error());
    socket_ = std::move(*socket);
    ::fcntl(fd(), F_SETFL, ::fcntl(fd(), F_GETFL) & ~O_NONBLOCK);
  }

  int fd() const { return socket_.get(); }

  /// Introduces itself and subscribes; the server has done so when this returns.
  void subscribe(std::string_view subject) {
    if (subscriptions_ == 0) output_ += "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";
    ponged_ = false;
    output_ += fmt::format("SUB {} {}\r\nPING\r\n", subject, ++subscriptions_);
    flush();
    while (!ponged_) receive([](std::string_view, std::string_view, std::string_view) {});
  }

  void publish(std::string_view subject, std::string_view reply_to, std::string_view payload) {
    fmt::format_to(std::back_inserter(output_), "PUB {} {}{}{}\r\n{}\r\n", subject, reply_to,
                   reply_to.empty() ? "" : " ", payload.size(), payload);
  }

  void flush() {
    for (std::string_view rest = output_; !rest.empty();) {
      ssize_t sent = ::send(fd(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EINTR) fail("cannot send to the NATS server");
      if (sent > 0) rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    output_.clear();
  }

  /// One recv(2), then `on_message(subject, reply_to, payload)` for every whole message.
  template <class OnMessage>
  void receive(OnMessage&& on_message) {
    std::size_t kept = input_.size();
    input_.resize(kept + chunk_bytes);
    ssize_t count = ::recv(fd(), input_.data() + kept, chunk_bytes, 0);
    if (count == 0)
      throw std::runtime_error("the NATS server closed the connection: " + input_.substr(0, kept));
    if (count < 0 && errno != EINTR) fail("cannot receive from the NATS server");
    input_.resize(kept + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    std::string_view rest = input_;
    while (read_one(rest, on_message)) {
    }
    input_.erase(0, input_.size() - rest.size());
  }

 private:
  static constexpr std::size_t chunk_bytes = 65536;

  [[noreturn]] static void fail(const char* what) {
    throw std::runtime_error(std::string(what) + ": " + tools::error_text(errno));
  }

  template <class OnMessage>
  bool read_one(std::string_view& rest, OnMessage&& on_message) {
    std::size_t end = rest.find("\r\n");
    if (end == std::string_view::npos) return false;
    std::string_view line = rest.substr(0, end);
    std::string_view after = rest.substr(end + 2);
    if (line.starts_with("MSG ")) return read_message(line.substr(4), after, rest, on_message);
    if (line.starts_with("-ERR")) throw std::runtime_error("the NATS server says " + std::string(line));
    if (line == "PING") output_ += "PONG\r\n", flush();
    if (line == "PONG") ponged_ = true;
    rest = after;
    return true;
  }

  /// `line` is SUBJECT SID [REPLY-TO] SIZE.
  template <class OnMessage>
  static bool read_message(std::string_view line, std::string_view after, std::string_view& rest,
                           OnMessage&& on_message) {
    std::size_t last = line.rfind(' ');
    std::size_t size = 0;
    std::from_chars(line.data() + last + 1, line.data() + line.size(), size);
    if (after.size() < size + 2) return false;
    std::string_view subject = line.substr(0, line.find(' '));
    std::string_view middle = line.substr(subject.size() + 1, last - subject.size() - 1);
    std::size_t space = middle.find(' ');
    std::string_view reply_to = space == std::string_view::npos ? "" : middle.substr(space + 1);
    on_message(subject, reply_to, after.substr(0, size));
    rest = after.substr(size + 2);
    return true;
  }

  tools::unique_fd socket_;
  std::string input_;
  std::string output_;
  bool ponged_ = false;
  int subscriptions_ = 0;
};

}  // namespace weft::peers
