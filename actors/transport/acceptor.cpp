#include "actors/transport/acceptor.hpp"

#include <cerrno>
#include <cstring>
#include <limits>

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include "actors/messages/router_messages.hpp"
#include "actors/transport/network.hpp"
#include "proto/frame.hpp"
#include "proto/message.hpp"

namespace weft {
namespace {

constexpr std::chrono::milliseconds first_back_off{50};
constexpr std::chrono::milliseconds longest_back_off{1'000};
constexpr int accepts_per_turn = 64;
// For the admin port, log files, look-ups and peers.
constexpr std::size_t reserved_descriptors = 64;

/// Why it cannot be listened on, and what to do about it.
std::string complaint_about(int error) {
  std::string text = std::strerror(error);
  if (error == EADDRINUSE)
    text +=
        "; end what listens there, which may be another node (ss -ltnp shows it), or take another port, "
        "or port 0 for a free one";
  if (error == EADDRNOTAVAIL)
    text += "; take an address of this machine, or 0.0.0.0 or [::] for all that it has";
  if (error == EACCES) text += "; take a port above 1023, or one that this user may have";
  return text;
}

bool passing(int error) {
  return error == ECONNABORTED || error == EINTR || error == EPROTO || error == EPERM;
}

}  // namespace

std::size_t connection_limit(std::size_t configured) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const auto available = static_cast<std::size_t>(files.rlim_cur);
  const auto most = available > 2 * reserved_descriptors ? available - reserved_descriptors : available / 2;
  return configured == 0 ? available / 2 : std::min(configured, most);
}

int first_reserved_descriptor() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const auto most = std::min<rlim_t>(files.rlim_cur, std::numeric_limits<int>::max());
  return static_cast<int>(most > 2 * reserved_descriptors ? most - reserved_descriptors / 2 : most);
}

std::expected<listening_socket, std::string> listening_socket::open(const net_address& address,
                                                                    const tcp_options& options) {
  const auto found = resolve_host(address.at);
  std::string error = found ? "the name has no address" : found.error();
  for (const auto& at : found.value_or(std::vector<sockaddr_storage>())) {
    const int descriptor = ::socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
      error = std::strerror(errno);
      continue;
    }
    listening_socket socket(descriptor, address.tls);
    const int on = 1;
    const int off = 0;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // [::] is reached over IPv4 as well.
    if (at.ss_family == AF_INET6) ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    // What is accepted inherits them (tcp(7)), from the first on.
    set_connection_options(descriptor, options);
    if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&at), length_of(at)) == 0 &&
        ::listen(descriptor, SOMAXCONN) == 0) {
      return socket;
    }
    error = complaint_about(errno);
  }
  return std::unexpected(fmt::format("cannot listen on {}: {}", format_net_address(address), error));
}

listening_socket::~listening_socket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::uint16_t listening_socket::port() const {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&bound), &size);
  return port_of(bound);
}

acceptor::acceptor(caf::actor_config& config, reactor& home, reactor_resources& shared,
                   listening_socket listener, std::vector<caf::strong_actor_ptr> takers)
    : pinned_actor(config, home),
      shared_(shared),
      listener_(listener.release()),
      tls_(listener.tls()),
      takers_(std::move(takers)),
      limit_(connection_limit(shared.options.limits.connections)),
      first_reserved_(first_reserved_descriptor()),
      back_off_(first_back_off) {}

acceptor::~acceptor() {
  if (listener_ >= 0) ::close(listener_);
}

void acceptor::receive(actor_message& message) {
  if (message.what() == actor_message::type::start) {
    home().descriptors().add(listener_, EPOLLIN, *this);
  } else if (message.what() == actor_message::type::close) {
    terminate();
  }
}

void acceptor::on_terminate() {
  home().disarm(*this);
  // Closing the listener resets whoever connected and was not accepted yet, requests and all.
  for (int i = 0; i < SOMAXCONN && listener_ >= 0 && !resting_ && accept_one(); ++i) {
  }
  close_listener();
}

void acceptor::close_listener() noexcept {
  if (listener_ < 0) return;
  home().descriptors().remove(listener_, *this);
  ::close(listener_);
  listener_ = -1;
}

void acceptor::on_exception(std::string_view what) noexcept {
  home().metrics().add(metric::actor_failures);
  shared_.log->error("acceptor: {}", what);
}

void acceptor::on_events(std::uint32_t) {
  guarded([this] { accept_some(); });
}

void acceptor::accept_some() {
  for (int i = 0; i < accepts_per_turn && accept_one(); ++i) {
  }
}

bool acceptor::accept_one() {
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  const int descriptor =
      ::accept4(listener_, reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor < 0) {
    if (errno == EAGAIN) return false;
    if (passing(errno)) return true;
    back_off(errno);
    return false;
  }
  back_off_ = first_back_off;
  if (descriptor >= first_reserved_) {
    refuse(descriptor, metric::limit_descriptors,
           fmt::format("{} descriptors are open; the rest of RLIMIT_NOFILE is reserved", first_reserved_));
    return true;
  }
  if (shared_.counters.connections.fetch_add(1, std::memory_order_relaxed) >=
      static_cast<std::int64_t>(limit_)) {
    shared_.counters.connections.fetch_sub(1, std::memory_order_relaxed);
    refuse(descriptor, metric::limit_connections,
           fmt::format("{} connections are open, the limit (limits.connections)", limit_));
    return true;
  }
  send_to(takers_[next_taker_], make_actor_message<adopt_socket>(descriptor, from));
  next_taker_ = (next_taker_ + 1) % takers_.size();
  return true;
}

void acceptor::refuse(int descriptor, metric limit, const std::string& why) {
  home().metrics().add(limit);
  if (tls_) {
    // Nothing can be said without a handshake.
    ::close(descriptor);
    return;
  }
  constexpr std::int64_t retry_after_ms = 1'000;
  std::string frame;
  const auto start = proto::begin_frame(frame);
  proto::append_error(
      frame, {},
      make_mesh_error(error_code::resource_exhausted, why, executed::no, shared_.options.id, retry_after_ms));
  proto::end_frame(frame, start);
  [[maybe_unused]] const auto sent =
      ::send(descriptor, frame.data(), frame.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(descriptor, SHUT_WR);
  ::close(descriptor);
}

void acceptor::back_off(int error) {
  home().metrics().add(metric::limit_descriptors);
  shared_.log->warn("accept failed: {}; trying again in {} ms", std::strerror(error), back_off_.count());
  home().descriptors().change(listener_, 0, *this);
  resting_ = true;
  home().arm(*this, home().now() + back_off_);
  back_off_ = std::min(back_off_ * 2, longest_back_off);
}

void acceptor::on_expiry() {
  resting_ = false;
  if (listener_ >= 0) home().descriptors().change(listener_, EPOLLIN, *this);
}

}  // namespace weft
