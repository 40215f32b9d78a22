// A byte-copying TCP forwarder, one thread and one epoll loop: the least that a hop in front of a server can
// cost.
#include <array>
#include <string>
#include <vector>

#include <sys/epoll.h>

#include "bench/limit/listener.hpp"

namespace weft::limit {

namespace {

/// One of the two sockets of a forwarded connection; `other` is where its input goes.
struct endpoint {
  int other = -1;
  /// Input of `other` that this socket did not take; `other` is not read before it has.
  std::string unsent;
};

class forwarder {
 public:
  forwarder(int listener, const sockaddr_in& target)
      : listener_(listener), target_(target), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 512> events;
    for (;;) {
      int ready = epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < ready; ++i) handle(events[i].data.fd, events[i].events);
      for (int fd : closed_) close(fd);
      closed_.clear();
    }
  }

 private:
  void handle(int fd, std::uint32_t happened) {
    if (fd == listener_) return accept_all();
    if ((happened & EPOLLOUT) != 0 && is_open(fd)) send_rest(fd);
    if ((happened & EPOLLIN) != 0 && is_open(fd)) return copy(fd);
    if ((happened & (EPOLLERR | EPOLLHUP)) != 0 && is_open(fd)) drop(fd);
  }

  bool is_open(int fd) const { return endpoints_[fd].other >= 0; }

  /// Reads what the other side has room for, writes what is left over.
  void refresh(int fd) {
    std::uint32_t interest = endpoints_[endpoints_[fd].other].unsent.empty() ? EPOLLIN : 0U;
    if (!endpoints_[fd].unsent.empty()) interest |= EPOLLOUT;
    watch(EPOLL_CTL_MOD, fd, interest);
  }

  void watch(int operation, int fd, std::uint32_t interest) {
    epoll_event event{.events = interest, .data = {.fd = fd}};
    epoll_ctl(epoll_, operation, fd, &event);
  }

  void accept_all() {
    for (int fd; (fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
      int upstream = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (upstream < 0) {
        close(fd);
        continue;
      }
      auto* target = reinterpret_cast<const sockaddr*>(&target_);
      if (connect(upstream, target, sizeof target_) != 0 && errno != EINPROGRESS)
        fail("cannot connect to the --to address");
      join(fd, upstream);
      join(upstream, fd);
    }
  }

  void join(int fd, int other) {
    send_without_delay(fd);
    if (endpoints_.size() <= static_cast<std::size_t>(fd)) endpoints_.resize(fd + 1);
    endpoints_[fd] = {other, {}};
    watch(EPOLL_CTL_ADD, fd, EPOLLIN);
  }

  void copy(int fd) {
    ssize_t count = recv(fd, chunk_.data(), chunk_.size(), 0);
    if (count <= 0) {
      if (count == 0 || errno != EAGAIN) drop(fd);
      return;
    }
    int other = endpoints_[fd].other;
    ssize_t sent = send(other, chunk_.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return drop(fd);
    if (sent == count) return;
    std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    endpoints_[other].unsent.assign(chunk_.data() + taken, static_cast<std::size_t>(count) - taken);
    refresh(fd);
    refresh(other);
  }

  void send_rest(int fd) {
    std::string& unsent = endpoints_[fd].unsent;
    ssize_t sent = send(fd, unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN) drop(fd);
      return;
    }
    unsent.erase(0, static_cast<std::size_t>(sent));
    if (!unsent.empty()) return;
    refresh(fd);
    refresh(endpoints_[fd].other);
  }

  /// Ends both sides. Closed after the events at hand: a new socket must not take the number of one of them.
  void drop(int fd) {
    for (int side : {endpoints_[fd].other, fd}) {
      epoll_ctl(epoll_, EPOLL_CTL_DEL, side, nullptr);
      endpoints_[side] = {};
      closed_.push_back(side);
    }
  }

  int listener_;
  sockaddr_in target_;
  int epoll_;
  std::vector<endpoint> endpoints_;
  std::vector<int> closed_;
  std::array<char, 65536> chunk_;
};

}  // namespace

}  // namespace weft::limit

int main(int argc, char** argv) {
  constexpr const char* usage = "limit_forwarder --to 127.0.0.1:PORT [--listen 127.0.0.1:PORT]";
  std::string_view listen = "127.0.0.1:0";
  std::string_view to;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string_view flag = argv[i];
    if (flag == "--listen") {
      listen = argv[i + 1];
    } else if (flag == "--to") {
      to = argv[i + 1];
    } else {
      weft::limit::wrong_usage(usage);
    }
  }
  sockaddr_in own{};
  sockaddr_in target{};
  if (argc % 2 == 0 || !weft::limit::parse_ipv4(listen, own) || !weft::limit::parse_ipv4(to, target)) {
    weft::limit::wrong_usage(usage);
  }
  weft::limit::forwarder(weft::limit::listen_and_report(own), target).run();
}
