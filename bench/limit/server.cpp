// The physical limit: one thread, one epoll loop, one recv and one send per wake-up, a fixed reply to every
// frame.
#include <array>
#include <vector>

#include <sys/epoll.h>

#include "bench/limit/fixed_reply.hpp"
#include "bench/limit/listener.hpp"

namespace weft::limit {

namespace {

struct connection {
  /// A frame's beginning, and replies that the socket did not take; both are empty most of the time.
  std::string partial;
  std::string unsent;
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
          send_rest(fd);
        } else {
          answer(fd);
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

  void answer(int fd) {
    connection& peer = connections_[fd];
    peer.partial.copy(input_.data(), peer.partial.size());
    ssize_t count = recv(fd, input_.data() + peer.partial.size(), input_.size() - peer.partial.size(), 0);
    if (count <= 0) {
      if (count == 0 || errno != EAGAIN) drop(fd);
      return;
    }
    std::string_view input(input_.data(), peer.partial.size() + static_cast<std::size_t>(count));
    output_.clear();
    std::size_t used = answer_frames(input, output_);
    if (used == 0 && input.size() == input_.size()) return drop(fd);
    peer.partial.assign(input.substr(used));
    if (!output_.empty()) send_replies(fd, peer);
  }

  void send_replies(int fd, connection& peer) {
    ssize_t sent = send(fd, output_.data(), output_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return drop(fd);
    std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    if (taken == output_.size()) return;
    // Not read again before it has taken these.
    peer.unsent = output_.substr(taken);
    watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
  }

  void send_rest(int fd) {
    connection& peer = connections_[fd];
    ssize_t sent = send(fd, peer.unsent.data(), peer.unsent.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN) drop(fd);
      return;
    }
    peer.unsent.erase(0, static_cast<std::size_t>(sent));
    if (peer.unsent.empty()) watch(EPOLL_CTL_MOD, fd, EPOLLIN);
  }

  void drop(int fd) {
    connections_[fd] = {};
    close(fd);
  }

  int listener_;
  int epoll_;
  std::vector<connection> connections_;
  std::vector<char> input_ = std::vector<char>(1 << 20);
  std::string output_;
};

}  // namespace

}  // namespace weft::limit

int main(int argc, char** argv) {
  constexpr const char* usage = "limit_server [--listen 127.0.0.1:PORT]";
  sockaddr_in address{};
  const char* listen = "127.0.0.1:0";
  if (argc == 3 && std::string_view(argv[1]) == "--listen") listen = argv[2];
  if ((argc != 1 && argc != 3) || !weft::limit::parse_ipv4(listen, address)) weft::limit::wrong_usage(usage);
  weft::limit::server(weft::limit::listen_and_report(address)).run();
}
