#include "node/client/http_get.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>

#include <fmt/format.h>
#include <poll.h>

#include "actors/transport/network.hpp"
#include "node/client/client.hpp"

namespace weft::tools {

namespace {

/// Whatever sends more is no admin port.
constexpr std::size_t max_response_bytes = std::size_t{64} << 20;

/// Reads until the server closes: as HTTP/1.0 was asked for, that is where the response ends.
std::expected<std::string, std::string> read_to_end(int fd, steady_clock::time_point until) {
  std::string text;
  std::array<char, 4096> chunk;
  while (text.size() < max_response_bytes) {
    if (!wait_ready(fd, POLLIN, until)) return std::unexpected("no complete response in time");
    ssize_t count = ::recv(fd, chunk.data(), chunk.size(), 0);
    if (count == 0) return text;
    if (count > 0) {
      text.append(chunk.data(), static_cast<std::size_t>(count));
    } else if (errno != EAGAIN && errno != EINTR) {
      return std::unexpected(fmt::format("receiving failed: {}", error_text(errno)));
    }
  }
  return std::unexpected(fmt::format("the response is longer than {} bytes", max_response_bytes));
}

std::optional<http_response> parse_response(std::string_view text) {
  // "HTTP/1.1 200 OK"
  constexpr std::size_t status_offset = 9;
  std::size_t headers_end = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.") || headers_end == std::string_view::npos) return std::nullopt;
  http_response response;
  std::string_view digits = text.substr(status_offset, 3);
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), response.status);
  if (error != std::errc() || end != digits.data() + 3) return std::nullopt;
  response.body = text.substr(headers_end + 4);
  return response;
}

}  // namespace

std::expected<http_response, std::string> http_get(const host_port& admin, std::string_view path,
                                                   std::chrono::nanoseconds timeout) {
  auto until = steady_clock::now() + timeout;
  auto connection = client::connect(admin, until);
  if (!connection) return std::unexpected(connection.error());
  auto explain = [&](std::string_view why) {
    return std::unexpected(
        fmt::format("{} does not answer as an admin port: {}; check the node's --admin address",
                    format_host_port(admin), why));
  };
  std::string request = fmt::format("GET {} HTTP/1.0\r\nHost: {}\r\nConnection: close\r\nAccept: */*\r\n\r\n",
                                    path, format_host_port(admin));
  if (auto sent = connection->send_bytes(request, until); !sent) return explain(sent.error().message);
  auto text = read_to_end(connection->native_handle(), until);
  if (!text) return explain(text.error());
  auto response = parse_response(*text);
  if (!response) return explain("that was no HTTP");
  return *response;
}

}  // namespace weft::tools
