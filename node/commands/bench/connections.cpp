#include "node/commands/bench/connections.hpp"

#include <array>
#include <cerrno>
#include <optional>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "actors/transport/network.hpp"
#include "node/client/exchange.hpp"

namespace weft::tools {

namespace {

/// Standard streams, epoll and what the C library opens for itself.
constexpr std::size_t other_descriptors = 16;
/// More connects under way would overflow the accept queue of a busy server, and a dropped SYN costs a
/// second.
constexpr std::size_t connects_under_way = 64;

class opener {
 public:
  opener(const host_port& address, std::vector<sockaddr_storage> targets,
         std::optional<sockaddr_storage> source, std::size_t count)
      : address_(address), targets_(std::move(targets)), source_(source), count_(count) {
    sockets_.reserve(count);
    epoll_ = unique_fd(::epoll_create1(EPOLL_CLOEXEC));
  }

  std::expected<std::vector<unique_fd>, std::string> run(steady_clock::time_point until) {
    while (done_ < count_) {
      while (sockets_.size() < count_ && sockets_.size() - done_ < connects_under_way) {
        if (int error = start_one()) return failure(error);
      }
      if (int error = finish_some(until)) return failure(error);
    }
    return std::move(sockets_);
  }

 private:
  int start_one() {
    unique_fd fd = start_connect(targets_[target_], source_ ? &*source_ : nullptr);
    if (!fd) return errno;
    epoll_event event{.events = EPOLLOUT | EPOLLONESHOT,
                      .data = {.u32 = static_cast<std::uint32_t>(sockets_.size())}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) != 0) return errno;
    sockets_.push_back(std::move(fd));
    return 0;
  }

  int finish_some(steady_clock::time_point until) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
    if (left <= 0) return ETIMEDOUT;
    std::array<epoll_event, connects_under_way> events;
    int ready = ::epoll_wait(epoll_.get(), events.data(), events.size(), static_cast<int>(left));
    if (ready < 0 && errno != EINTR) return errno;
    for (int i = 0; i < ready; ++i) {
      if (int error = finish_one(events[i].data.u32)) return error;
    }
    return 0;
  }

  int finish_one(std::uint32_t index) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(sockets_[index].get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) {
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, sockets_[index].get(), nullptr);
      ++done_;
      return 0;
    }
    // A name such as localhost may stand for an IPv6 and an IPv4 address, of which the server has only one.
    if (done_ > 0 || target_ + 1 == targets_.size()) return error;
    ++target_;
    sockets_.clear();
    epoll_ = unique_fd(::epoll_create1(EPOLL_CLOEXEC));
    return 0;
  }

  std::unexpected<std::string> failure(int error) const {
    std::string_view hint = "check that a node listens there";
    if (error == EADDRNOTAVAIL) hint = "no local port is free: use --source with another local address";
    if (error != EADDRNOTAVAIL && done_ > 0) hint = "check how many connections the node accepts";
    return std::unexpected(fmt::format("cannot connect to {}: {} ({} of {} connections were open); {}",
                                       format_host_port(address_), error_text(error), done_, count_, hint));
  }

  host_port address_;
  std::vector<sockaddr_storage> targets_;
  std::size_t target_ = 0;
  std::optional<sockaddr_storage> source_;
  std::size_t count_;
  std::size_t done_ = 0;
  unique_fd epoll_;
  std::vector<unique_fd> sockets_;
};

std::expected<void, std::string> present_token(unique_fd& socket, std::string_view token,
                                               steady_clock::time_point until) {
  client connection(std::move(socket));
  auto admitted = exchange(connection, connect_request(token), until);
  if (!admitted) return std::unexpected("no answer to the token: " + admitted.error().message);
  if (!admitted->ok) return std::unexpected("the node refused the token: " + admitted->raw);
  socket = std::move(connection).release();
  return {};
}

}  // namespace

std::expected<void, std::string> ensure_descriptors(std::size_t connections) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  std::size_t needed = connections + other_descriptors;
  if (needed > limit.rlim_max) {
    return std::unexpected(
        fmt::format("{} connections need {} descriptors, but this process may open {}: raise the limit "
                    "(ulimit -Hn) or ask for "
                    "at most {} connections",
                    connections, needed, limit.rlim_max,
                    limit.rlim_max - std::min<std::size_t>(limit.rlim_max, other_descriptors)));
  }
  if (needed > limit.rlim_cur) {
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
      return std::unexpected(
          fmt::format("cannot raise the descriptor limit to {}: {}; run ulimit -n {} before", limit.rlim_max,
                      error_text(errno), needed));
    }
  }
  return {};
}

std::expected<std::vector<unique_fd>, std::string> open_connections(const bench_options& options,
                                                                    std::size_t count) {
  if (auto enough = ensure_descriptors(count); !enough) return std::unexpected(enough.error());
  auto targets = resolve(options.address);
  if (!targets) return std::unexpected(targets.error());
  std::optional<sockaddr_storage> from;
  if (!options.source.empty()) {
    auto resolved = resolve({options.source, 0});
    if (!resolved) return std::unexpected(resolved.error());
    from = resolved->front();
  }
  auto until = steady_clock::now() + std::chrono::seconds(10) + std::chrono::milliseconds(count);
  auto sockets = opener(options.address, std::move(*targets), from, count).run(until);
  if (!sockets || options.token.empty()) return sockets;
  for (unique_fd& socket : *sockets) {
    if (auto admitted = present_token(socket, options.token, until); !admitted)
      return std::unexpected(admitted.error());
  }
  return sockets;
}

}  // namespace weft::tools
