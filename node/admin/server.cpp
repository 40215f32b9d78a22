#include "node/admin/server.hpp"

#include <array>
#include <chrono>
#include <future>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <civetweb.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/address.hpp"

namespace weft {
namespace {

/// The pages take a word at most.
constexpr std::size_t max_body_bytes = 1024;

/// civetweb wants a number. IPv4 only: Debian builds the library without IPv6.
std::expected<std::string, std::string> resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0)
    return std::unexpected(
        fmt::format("\"{}\" is not an IPv4 address of this machine ({})", host, gai_strerror(error)));
  char text[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(found->ai_addr)->sin_addr, text, sizeof text);
  freeaddrinfo(found);
  return text;
}

/// False when the body is larger than any page takes.
bool read_body(mg_connection* connection, std::string& body) {
  std::array<char, max_body_bytes + 1> buffer;
  while (body.size() <= max_body_bytes) {
    const int n = mg_read(connection, buffer.data(), buffer.size() - body.size());
    if (n <= 0) return true;
    body.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return false;
}

void write_response(mg_connection* connection, const http_response& response, bool with_body) {
  const std::string length = std::to_string(response.body.size());
  mg_response_header_start(connection, response.status);
  mg_response_header_add(connection, "Content-Type", response.content_type.c_str(), -1);
  mg_response_header_add(connection, "Content-Length", length.c_str(), -1);
  mg_response_header_add(connection, "Cache-Control", "no-store", -1);
  mg_response_header_add(connection, "X-Content-Type-Options", "nosniff", -1);
  if (!response.allow.empty()) mg_response_header_add(connection, "Allow", response.allow.c_str(), -1);
  mg_response_header_send(connection);
  if (with_body) mg_write(connection, response.body.data(), response.body.size());
}

/// Begins a connection and drops it at once.
void knock(const std::string& host, std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  sockaddr_in target{};
  target.sin_family = AF_INET;
  target.sin_port = htons(port);
  inet_pton(AF_INET, host.c_str(), &target.sin_addr);
  // Whether it succeeds does not matter: when nobody accepts any more, that is what it was for.
  [[maybe_unused]] const int ignored = connect(fd, reinterpret_cast<const sockaddr*>(&target), sizeof target);
  close(fd);
}

std::string text_or_empty(const char* text) {
  return text ? text : "";
}

}  // namespace

struct admin_server::implementation {
  admin_sources sources;
  /// What the library complained about first, the cause of what follows; written by the thread that starts
  /// it.
  std::string complaint;
  std::string host;
  std::string numeric_host;
  mg_context* context = nullptr;

  ~implementation() {
    if (!context) return;
    stop();
    mg_exit_library();
  }

  host_port address() const {
    mg_server_port port{};
    mg_get_server_ports(context, 1, &port);
    return {host, static_cast<std::uint16_t>(port.port)};
  }

  /// The library's accepting thread looks whether it should end every two seconds or when a connection
  /// arrives, and a drained node must not be kept from exiting for so long: so connections are made until it
  /// has ended.
  void stop() {
    const std::uint16_t port = address().port;
    auto stopped = std::async(std::launch::async, mg_stop, context);
    while (stopped.wait_for(std::chrono::milliseconds{5}) != std::future_status::ready)
      knock(numeric_host, port);
  }

  static int on_request(mg_connection* connection) {
    const mg_request_info& info = *mg_get_request_info(connection);
    const auto& self = *static_cast<const implementation*>(info.user_data);
    http_request request{.method = text_or_empty(info.request_method),
                         .path = text_or_empty(info.local_uri),
                         .query = text_or_empty(info.query_string),
                         .body = {}};
    const http_response response =
        read_body(connection, request.body)
            ? respond(request, self.sources)
            : text_response(413,
                            fmt::format("the body is too large; send at most {} bytes\n", max_body_bytes));
    write_response(connection, response, request.method != "HEAD");
    return response.status;
  }

  static int on_message(const mg_connection* connection, const char* message) {
    auto* self = static_cast<implementation*>(mg_get_user_data(mg_get_context(connection)));
    // Once it serves, the library only tells of clients that left early.
    if (self && !self->context && self->complaint.empty()) self->complaint = message;
    return 1;
  }
};

admin_server::admin_server(std::unique_ptr<implementation> impl) : impl_{std::move(impl)} {}

admin_server::~admin_server() = default;

std::expected<std::unique_ptr<admin_server>, std::string> admin_server::start(const host_port& address,
                                                                              admin_sources sources) {
  const auto failed = [&](std::string_view why) {
    return std::unexpected(
        fmt::format("admin server: cannot listen on {}: {}; choose another address with --admin",
                    format_host_port(address), why));
  };
  const auto numeric = resolve(address.host);
  if (!numeric) return failed(numeric.error());

  auto impl = std::make_unique<implementation>();
  impl->sources = std::move(sources);
  impl->host = address.host;
  impl->numeric_host = *numeric;
  const std::string port = fmt::format("{}:{}", *numeric, address.port);
  const char* options[] = {
      "listening_ports", port.c_str(),
      // Enough for several scrapers while a slow client holds a thread for its five seconds.
      "num_threads", "4", "request_timeout_ms", "5000", "enable_keep_alive", "no", "tcp_nodelay", "1",
      // No answer to a browser's question whether another site may use these pages.
      "access_control_allow_methods", "", nullptr};
  mg_callbacks callbacks{};
  callbacks.begin_request = implementation::on_request;
  callbacks.log_message = implementation::on_message;
  mg_init_library(0);
  impl->context = mg_start(&callbacks, impl.get(), options);
  if (!impl->context) {
    mg_exit_library();
    return failed(impl->complaint.empty() ? "the HTTP library gives no reason" : impl->complaint);
  }
  return std::unique_ptr<admin_server>{new admin_server{std::move(impl)}};
}

host_port admin_server::address() const {
  return impl_->address();
}

}  // namespace weft
