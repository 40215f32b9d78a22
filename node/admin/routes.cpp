#include "node/admin/routes.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "node/admin/origin.hpp"

namespace weft {
namespace {

using nlohmann::json;

std::string route_list() {
  std::string list;
  for (const admin_route& route : admin_routes())
    list += fmt::format("{:<5} {:<13} {}\n", route.method, route.path, route.help);
  return list;
}

/// The value of a query parameter that needs no decoding, which is all that these pages take.
std::string_view query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = pair.find('=');
    if (pair.substr(0, equals) == name && equals != pair.npos) return pair.substr(equals + 1);
    query = end == query.npos ? std::string_view{} : query.substr(end + 1);
  }
  return {};
}

bool query_has(std::string_view query, std::string_view name) {
  return query == name || query.starts_with(fmt::format("{}&", name)) ||
         query.ends_with(fmt::format("&{}", name)) || query.contains(fmt::format("&{}&", name)) ||
         !query_value(query, name).empty();
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);
}

http_response index(const http_request&, const admin_sources&) {
  return text_response(200, route_list());
}

http_response metrics_page(const http_request&, const admin_sources& sources) {
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = sources.metrics()};
}

http_response livez(const http_request&, const admin_sources& sources) {
  const auto why_not = sources.liveness();
  if (!why_not.empty()) return text_response(503, why_not + "\n");
  return text_response(200, "ok\n");
}

http_response readyz(const http_request& request, const admin_sources& sources) {
  const std::vector<readiness_check> checks = sources.readiness();
  const bool ready = std::ranges::all_of(checks, &readiness_check::ok);
  // A failure is always explained: it is seen in an orchestrator's event log, where nobody can ask again.
  if (ready && !query_has(request.query, "verbose")) return text_response(200, "ok\n");
  std::string body;
  for (const readiness_check& check : checks) {
    const std::string_view verdict = check.ok ? "ok" : "failed";
    body += fmt::format("[{}]{} {}", check.ok ? '+' : '-', check.name, verdict);
    body += check.detail.empty() ? "\n" : fmt::format(": {}\n", check.detail);
  }
  body += ready ? "readyz check passed\n" : "readyz check failed\n";
  return text_response(ready ? 200 : 503, std::move(body));
}

http_response connections(const http_request&, const admin_sources& sources) {
  return json_response(sources.connections());
}
http_response peers(const http_request&, const admin_sources& sources) {
  return json_response(sources.peers());
}
http_response methods(const http_request&, const admin_sources& sources) {
  return json_response(sources.methods());
}
http_response mesh_routes(const http_request&, const admin_sources& sources) {
  return json_response(sources.routes());
}
http_response config(const http_request&, const admin_sources& sources) {
  return json_response(sources.config());
}

http_response show_log_level(const http_request&, const admin_sources& sources) {
  return json_response({{"level", sources.log_level()}});
}

http_response change_log_level(const http_request& request, const admin_sources& sources) {
  const std::string_view in_query = query_value(request.query, "level");
  const std::string_view level = in_query.empty() ? trimmed(request.body) : in_query;
  const std::string before = sources.log_level();
  if (auto set = sources.set_log_level(level); !set)
    return text_response(400, fmt::format("{}, as the request's body or as ?level=\n", set.error()));
  return json_response({{"level", sources.log_level()}, {"previous", before}});
}

constexpr admin_route routes[] = {
    {"GET", "/", index, "This list"},
    {"GET", "/metrics", metrics_page, "Metrics in Prometheus' text format"},
    {"GET", "/livez", livez, "200 while the reactors turn, else 503 and which does not"},
    {"GET", "/healthz", livez, "The same as /livez"},
    {"GET", "/readyz", readyz, "200 when the node takes calls, else 503 and why; ?verbose lists every check"},
    {"GET", "/connections", connections, "Open connections"},
    {"GET", "/peers", peers, "Peers and their states"},
    {"GET", "/methods", methods, "Methods that can be called here"},
    {"GET", "/routes", mesh_routes, "Methods that can be reached, by which instances, and how those do"},
    {"GET", "/config", config, "Effective configuration with the origin of each value; secrets are redacted"},
    {"GET", "/log-level", show_log_level, "Level of the log"},
    {"POST", "/log-level", change_log_level, "Changes it: the level is the body, or ?level=debug"},
};

/// The methods of a path as an Allow header lists them; empty for an unknown path.
std::string allowed_methods(std::string_view path) {
  std::string allow;
  for (const admin_route& route : routes) {
    if (route.path != path) continue;
    if (!allow.empty()) allow += ", ";
    allow += route.method;
    if (route.method == "GET") allow += ", HEAD";
  }
  return allow;
}

http_response no_such_route(const http_request& request) {
  std::string allow = allowed_methods(request.path);
  if (allow.empty())
    return text_response(404, fmt::format("no page {}; there are:\n{}", request.path, route_list()));
  http_response response = text_response(
      405, fmt::format("{} is not allowed for {}; use {}\n", request.method, request.path, allow));
  response.allow = std::move(allow);
  return response;
}

}  // namespace

http_response text_response(int status, std::string body) {
  return {.status = status, .body = std::move(body)};
}

http_response json_response(const nlohmann::json& value) {
  return {.content_type = "application/json",
          .body = value.dump(2, ' ', false, json::error_handler_t::replace) + '\n'};
}

std::span<const admin_route> admin_routes() {
  return routes;
}

http_response respond(const http_request& request, const admin_sources& sources) {
  if (auto refused = check_origin(request, sources.allowed_hosts)) return *std::move(refused);
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view{request.method};
  for (const admin_route& route : routes) {
    if (route.path != request.path || route.method != method) continue;
    try {
      return route.handle(request, sources);
    } catch (const std::exception& e) {
      return text_response(500, fmt::format("{} failed: {}\n", request.path, e.what()));
    }
  }
  return no_such_route(request);
}

}  // namespace weft
