#include "node/tools/health.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <poll.h>

#include "actors/network.hpp"
#include "node/exit_code.hpp"
#include "node/tools/arguments.hpp"
#include "node/tools/client.hpp"
#include "proto/units.hpp"

namespace weft::tools {

namespace {

/// A readiness report is a few lines; whatever sends more is no admin port.
constexpr std::size_t max_response_bytes = std::size_t{1} << 20;

struct http_response {
  int status = 0;
  std::string body;
};

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

std::expected<http_response, std::string> get_readiness(const health_options& options) {
  auto until = steady_clock::now() + options.timeout;
  auto connection = client::connect(options.admin, until);
  if (!connection) return std::unexpected(connection.error());
  auto explain = [&](std::string_view why) {
    return std::unexpected(
        fmt::format("{} does not answer as an admin port: {}; check the node's --admin address",
                    format_host_port(options.admin), why));
  };
  std::string request =
      fmt::format("GET /readyz?verbose HTTP/1.0\r\nHost: {}\r\nConnection: close\r\nAccept: */*\r\n\r\n",
                  format_host_port(options.admin));
  if (auto sent = connection->send_bytes(request, until); !sent) return explain(sent.error().message);
  auto text = read_to_end(connection->native_handle(), until);
  if (!text) return explain(text.error());
  auto response = parse_response(*text);
  if (!response) return explain("that was no HTTP");
  return *response;
}

}  // namespace

int run_health(const health_options& options, std::ostream& output, std::ostream& errors) {
  auto response = get_readiness(options);
  if (!response) {
    errors << response.error() << '\n';
    return exit_unreachable;
  }
  output << response->body;
  if (!response->body.empty() && !response->body.ends_with('\n')) output << '\n';
  output << std::flush;
  if (response->status == 200) return exit_ok;
  errors << fmt::format("{} is not ready: HTTP status {}\n", format_host_port(options.admin),
                        response->status);
  return exit_failed;
}

}  // namespace weft::tools

namespace weft {

void add_health_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<tools::health_options>();
  CLI::App* command = app.add_subcommand("health", "Ask a node's admin port whether it is ready");
  tools::add_address(*command, "ADMIN", options->admin, "The node's admin port");
  tools::add_duration(*command, "--timeout", options->timeout, std::chrono::milliseconds(1),
                      "Give up after this time");
  command->footer("Exit: 0 ready, 1 not ready, 2 unreachable, 64 wrong usage.");
  command->callback([options, &exit_code] { exit_code = tools::run_health(*options, std::cout, std::cerr); });
}

}  // namespace weft
