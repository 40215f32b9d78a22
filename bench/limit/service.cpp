// The least that a service behind a node can be: it connects, registers `foo` with `connect`, and answers
// every request that comes with a fixed reply. One connection, blocking, one recv and one send per wake-up.
// With `--streams` it serves `demo.count` besides, which streams as that of a node does.
#include <cstdlib>
#include <optional>
#include <vector>

#include "bench/limit/item_source.hpp"
#include "bench/limit/listener.hpp"

namespace weft::limit {

namespace {

constexpr std::string_view connect_request =
    R"({"jsonrpc":"2.0","id":0,"method":"connect","params":{"name":"limit","serves":["foo"]}})";
constexpr std::string_view connect_streams =
    R"({"jsonrpc":"2.0","id":0,"method":"connect","params":{"name":"limit","serves":["foo",)"
    R"({"method":"demo.count","stream":true}]}})";

class service {
 public:
  service(const sockaddr_in& node, bool streams) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (streams) streams_.emplace();
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&node), sizeof node) != 0)
      fail("cannot connect to the node");
    send_without_delay(fd_);
    std::string_view request = streams ? connect_streams : connect_request;
    append_header(output_, request.size());
    output_ += request;
    send_output();
  }

  /// Until the node closes the connection.
  void run() {
    while (receive()) {
      if (!output_.empty()) send_output();
    }
  }

 private:
  bool receive() {
    ssize_t count = recv(fd_, input_.data() + kept_, input_.size() - kept_, 0);
    if (count < 0) fail("cannot receive from the node");
    if (count == 0) return false;
    std::string_view rest(input_.data(), kept_ + static_cast<std::size_t>(count));
    while (rest.size() >= 4 && rest.size() - 4 >= frame_length(rest)) {
      std::size_t length = frame_length(rest);
      on_message(rest.substr(4, length));
      rest.remove_prefix(4 + length);
    }
    kept_ = rest.size();
    std::memmove(input_.data(), rest.data(), kept_);
    if (kept_ == input_.size()) input_.resize(2 * input_.size());
    return true;
  }

  void on_message(std::string_view message) {
    if (registered_ && streams_) return streams_->on_message(message, output_);
    if (registered_) {
      // Notifications, which have no id, want no answer.
      if (message.find("\"id\":") != std::string_view::npos) append_reply(output_, find_id(message));
      return;
    }
    // The first message is the answer to `connect`.
    if (message.find("\"result\":") == std::string_view::npos) {
      std::fprintf(stderr, "the node refused connect: %.*s\n", static_cast<int>(message.size()),
                   message.data());
      std::exit(1);
    }
    registered_ = true;
    std::printf("ready serves=foo\n");
    std::fflush(stdout);
  }

  void send_output() {
    for (std::string_view rest = output_; !rest.empty();) {
      ssize_t sent = send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent < 0) fail("cannot send to the node");
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    output_.clear();
  }

  int fd_;
  bool registered_ = false;
  std::optional<item_source> streams_;
  std::vector<char> input_ = std::vector<char>(1 << 20);
  std::size_t kept_ = 0;
  std::string output_;
};

}  // namespace

}  // namespace weft::limit

int main(int argc, char** argv) {
  constexpr const char* usage = "limit_service --node 127.0.0.1:PORT [--streams]";
  sockaddr_in node{};
  bool streams = argc == 4 && std::string_view(argv[3]) == "--streams";
  if ((argc != 3 && !streams) || std::string_view(argv[1]) != "--node" ||
      !weft::limit::parse_ipv4(argv[2], node))
    weft::limit::wrong_usage(usage);
  weft::limit::service(node, streams).run();
}
