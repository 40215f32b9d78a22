// A plain blocking client for tests of a node in the same process.
#pragma once

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "actors/config/options.hpp"
#include "proto/frame.hpp"

namespace weft {

class node_client {
 public:
  explicit node_client(const host_port& address)
      : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    // Far away: a test that waits so long has failed.
    const timeval patience{60, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(address.port);
    EXPECT_EQ(::inet_pton(AF_INET, address.host.c_str(), &to.sin_addr), 1);
    EXPECT_EQ(::connect(descriptor_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  }
  ~node_client() { close(); }
  node_client(const node_client&) = delete;
  node_client& operator=(const node_client&) = delete;

  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

  /// Ends a `receive` of another thread.
  void shut_down() { ::shutdown(descriptor_, SHUT_RDWR); }

  void send(const nlohmann::json& message) { send_together(std::vector<nlohmann::json>(1, message)); }
  /// In one write, so that the node may read them at once.
  void send_together(const std::vector<nlohmann::json>& messages) {
    std::string frames;
    for (const auto& message : messages) proto::append_frame(frames, message.dump());
    EXPECT_EQ(::send(descriptor_, frames.data(), frames.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(frames.size()));
  }
  void request(int id, std::string_view method, nlohmann::json params = nlohmann::json::object()) {
    send({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}});
  }

  /// The next frame; null at the end of the stream or when none comes in time.
  nlohmann::json receive() {
    const auto header = read(proto::frame_header_bytes);
    if (header.empty()) return nullptr;
    std::size_t length = 0;
    for (const char c : header) length = length << 8 | static_cast<unsigned char>(c);
    return nlohmann::json::parse(read(length), nullptr, false);
  }

  /// One call whose answer is the next frame.
  nlohmann::json call(std::string_view method, nlohmann::json params = nlohmann::json::object(), int id = 1) {
    request(id, method, std::move(params));
    auto answer = receive();
    EXPECT_EQ(answer.value("id", -1), id) << answer;
    return answer;
  }

 private:
  std::string read(std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t have = 0;
    while (have < size) {
      const auto got = ::recv(descriptor_, bytes.data() + have, size - have, MSG_WAITALL);
      // With a time limit on the socket, a stop and continuation of the process interrupts.
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return {};
      have += static_cast<std::size_t>(got);
    }
    return bytes;
  }

  int descriptor_;
};

}  // namespace weft
