#include "node/admin/origin.hpp"

#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <unistd.h>

#include "node/logging/printable.hpp"

namespace weft {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

std::string without_port(std::string_view host) {
  if (host.starts_with('[')) return lower(host.substr(1, host.find(']') - 1));
  auto name = lower(host.substr(0, host.find(':')));
  if (name.ends_with('.')) name.pop_back();
  return name;
}

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> parsed{};
  return inet_pton(AF_INET, host.c_str(), parsed.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), parsed.data()) == 1;
}

std::string own_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? lower(name.data()) : std::string();
}

bool changes_something(const http_request& request) {
  return request.method != "GET" && request.method != "HEAD";
}

}  // namespace

bool is_own_host(std::string_view host, std::span<const std::string> allowed) {
  const auto name = without_port(host);
  if (name.empty() || is_address(name) || !name.contains('.')) return true;
  // Reserved for use within a site (RFC 6761, RFC 6762, ICANN's .internal), or by Kubernetes.
  for (const std::string_view suffix : {".localhost", ".local", ".internal", ".svc"}) {
    if (name.ends_with(suffix)) return true;
  }
  return name == own_name() ||
         std::ranges::any_of(allowed, [&](const auto& each) { return lower(each) == name; });
}

std::optional<http_response> check_origin(const http_request& request, std::span<const std::string> allowed) {
  if (!is_own_host(request.host, allowed)) {
    return text_response(
        421, fmt::format("the admin port is not called '{}'; use its address, or allow the name with "
                         "--admin-allowed-hosts\n",
                         printable(request.host)));
  }
  if (!changes_something(request)) return std::nullopt;
  const bool foreign_origin =
      !request.origin.empty() && lower(request.origin) != "http://" + lower(request.host);
  const bool foreign_site = !request.sec_fetch_site.empty() && request.sec_fetch_site != "same-origin" &&
                            request.sec_fetch_site != "none";
  if (!foreign_origin && !foreign_site) return std::nullopt;
  return text_response(
      403, fmt::format("a page of another origin ({}) may not change this node\n",
                       printable(request.origin.empty() ? request.sec_fetch_site : request.origin)));
}

}  // namespace weft
