// The physical limit of streams: one thread, one epoll loop, one recv and one send per wake-up, items as the
// caller's credit allows.
#include <array>
#include <vector>

#include <sys/epoll.h>

#include "bench/limit/item_source.hpp"
#include "bench/limit/listener.hpp"

namespace weft::limit {

namespace {

struct connection {
  item_source streams;
  /// A frame's beginning, and output that the socket did not take; both are empty most of the time.
  std::string partial;
  std::string unsent;
  /// Watched for room, not for input.
  bool waits = false;
};

class server {
 public:
  explicit server(int listener) : listener_(listener), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 512> events;
    for (;;) {
      int ready = epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < ready; ++i) {
        int fd = events[i].data.fd;
        if (fd == listener_) {
          accept_all();
        } else if ((events[i].events & EPOLLOUT) != 0) {
          send_output(fd);
        } else {
          receive(fd);
        }
      }
    }
  }

 private:
  void watch(int operation, int fd, std::uint32_t interest) {
    epoll_event event{.events = interest, .data = {.fd = fd}};
    epoll_ctl(epoll_, operation, fd, &event);
  }

  void accept_all() {
    for (int fd; (fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
      send_without_delay(fd);
      if (connections_.size() <= static_cast<std::size_t>(fd)) connections_.resize(fd + 1);
      watch(EPOLL_CTL_ADD, fd, EPOLLIN);
    }
  }

  void receive(int fd) {
    connection& peer = connections_[fd];
    peer.partial.copy(input_.data(), peer.partial.size());
    ssize_t count = recv(fd, input_.data() + peer.partial.size(), input_.size() - peer.partial.size(), 0);
    if (count <= 0) {
      if (count == 0 || errno != EAGAIN) drop(fd);
      return;
    }
    std::string_view rest(input_.data(), peer.partial.size() + static_cast<std::size_t>(count));
    while (rest.size() >= 4 && rest.size() - 4 >= frame_length(rest)) {
      std::size_t length = frame_length(rest);
      peer.streams.on_message(rest.substr(4, length), peer.unsent);
      rest.remove_prefix(4 + length);
    }
    if (rest.size() == input_.size()) return drop(fd);
    peer.partial.assign(rest);
    if (!peer.unsent.empty()) send_output(fd);
  }

  /// A connection that has not taken everything is not read until it has.
  void send_output(int fd) {
    connection& peer = connections_[fd];
    ssize_t sent = send(fd, peer.unsent.data(), peer.unsent.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return drop(fd);
    peer.unsent.erase(0, sent < 0 ? 0 : static_cast<std::size_t>(sent));
    if (peer.waits == !peer.unsent.empty()) return;
    peer.waits = !peer.waits;
    watch(EPOLL_CTL_MOD, fd, peer.waits ? EPOLLOUT : EPOLLIN);
  }

  void drop(int fd) {
    connections_[fd] = {};
    close(fd);
  }

  int listener_;
  int epoll_;
  std::vector<connection> connections_;
  std::vector<char> input_ = std::vector<char>(1 << 20);
};

}  // namespace

}  // namespace weft::limit

int main(int argc, char** argv) {
  constexpr const char* usage = "limit_stream_server [--listen 127.0.0.1:PORT]";
  sockaddr_in address{};
  const char* listen = "127.0.0.1:0";
  if (argc == 3 && std::string_view(argv[1]) == "--listen") listen = argv[2];
  if ((argc != 1 && argc != 3) || !weft::limit::parse_ipv4(listen, address)) weft::limit::wrong_usage(usage);
  weft::limit::server(weft::limit::listen_and_report(address)).run();
}
