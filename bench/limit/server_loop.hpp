// One thread, one epoll loop, one recv and one send per wake-up: what the limits of calls and of streams
// share.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <sys/epoll.h>

#include "bench/limit/listener.hpp"

namespace weft::limit {

/// `Application` is the state of a connection; its `on_input(input, output)` reads the whole frames that
/// `input` begins with, writes what follows from them, and returns how many bytes they were.
template <class Application>
class server_loop {
 public:
  explicit server_loop(int listener) : listener_(listener), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
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
          receive(fd);
        }
      }
    }
  }

 private:
  struct connection {
    Application application;
    /// A frame's beginning, and output that the socket did not take; both are empty most of the time.
    std::string partial;
    std::string unsent;
  };

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
    std::string_view input(input_.data(), peer.partial.size() + static_cast<std::size_t>(count));
    output_.clear();
    std::size_t used = peer.application.on_input(input, output_);
    if (used == 0 && input.size() == input_.size()) return drop(fd);
    peer.partial.assign(input.substr(used));
    if (!output_.empty()) send_output(fd, peer);
  }

  void send_output(int fd, connection& peer) {
    ssize_t sent = send(fd, output_.data(), output_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return drop(fd);
    std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    if (taken == output_.size()) return;
    // Not read again before it has taken the rest.
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

/// The main function of such a server: `argv` may name where it listens.
template <class Application>
[[noreturn]] void serve(int argc, char** argv, const char* usage) {
  sockaddr_in address{};
  const char* listen = "127.0.0.1:0";
  if (argc == 3 && std::string_view(argv[1]) == "--listen") listen = argv[2];
  if ((argc != 1 && argc != 3) || !parse_ipv4(listen, address)) wrong_usage(usage);
  server_loop<Application>(listen_and_report(address)).run();
}

}  // namespace weft::limit
