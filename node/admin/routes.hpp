// The pages of the admin server, one row each, as functions from a request to a response.
//
// Thread safety: `respond` holds no state; the sources are called from the server's threads, several at a
// time.
#pragma once

#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "actors/telemetry/snapshot.hpp"
#include "node/admin/http.hpp"

namespace weft {

/// Where the pages get what they show. Every one is set.
struct admin_sources {
  /// Prometheus text format.
  std::function<std::string()> metrics;
  /// Why the process should be restarted; empty when it lives.
  std::function<std::string()> liveness;
  std::function<std::vector<readiness_check>()> readiness;
  std::function<nlohmann::json()> connections;
  std::function<nlohmann::json()> peers;
  std::function<nlohmann::json()> routes;
  std::function<nlohmann::json()> methods;
  /// Secrets are redacted already.
  std::function<nlohmann::json()> config;
  std::function<std::string()> log_level;
  /// On failure the sentence says what would be right.
  std::function<std::expected<void, std::string>(std::string_view level)> set_log_level;
  /// Names, besides the obvious ones, by which the admin port may be called (node/admin/origin.hpp).
  std::vector<std::string> allowed_hosts{};  // NOLINT(readability-redundant-member-init)
};

struct admin_route {
  std::string_view method;
  std::string_view path;
  http_response (*handle)(const http_request&, const admin_sources&);
  std::string_view help;
};

std::span<const admin_route> admin_routes();

/// Answers 404 for an unknown path, 405 for a wrong method, and 500 when a source throws. HEAD is answered as
/// GET; the server leaves the body out.
http_response respond(const http_request& request, const admin_sources& sources);

}  // namespace weft
