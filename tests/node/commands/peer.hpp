// The other side of a tool under test: a listening socket whose first connection is handed to a function.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>

#include "node/client/client.hpp"

namespace weft::tools {

/// Far away: a test that waits so long has failed.
inline steady_clock::time_point test_deadline() {
  return steady_clock::now() + std::chrono::seconds(20);
}

/// The next message of the tool.
inline nlohmann::json received(client& connection) {
  const auto text = connection.receive(test_deadline());
  EXPECT_TRUE(text);
  return text ? nlohmann::json::parse(*text) : nlohmann::json();
}

/// Listens on a loopback port of the system's choice.
class listener {
 public:
  listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket_.get(), generic, size), 0);
    EXPECT_EQ(::listen(socket_.get(), 128), 0);
    EXPECT_EQ(::getsockname(socket_.get(), generic, &size), 0);
    address_ = {"127.0.0.1", ntohs(address.sin_port)};
  }

  const host_port& address() const { return address_; }
  /// Blocks; an empty descriptor after `stop`.
  unique_fd accept() {
    return unique_fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  }
  void stop() { ::shutdown(socket_.get(), SHUT_RDWR); }

 private:
  unique_fd socket_;
  host_port address_;
};

class peer {
 public:
  explicit peer(std::function<void(client&)> serve)
      : thread_([this, serve = std::move(serve)] {
          if (unique_fd socket = listener_.accept()) {
            client connection(std::move(socket));
            serve(connection);
          }
        }) {}
  ~peer() {
    listener_.stop();
    thread_.join();
  }

  const host_port& address() const { return listener_.address(); }

 private:
  listener listener_;
  std::thread thread_;
};

/// Where nobody listens: the port of a socket that is closed again.
inline host_port closed_address() {
  return listener().address();
}

}  // namespace weft::tools
