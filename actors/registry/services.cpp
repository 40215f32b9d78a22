// Services of this node: registered when there is room for them, told of in the log.
#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "actors/registry/state.hpp"

namespace weft {
namespace {

/// What else whoever registers this has registered, on other connections.
struct registered {
  std::size_t methods = 0;
  std::size_t schema_bytes = 0;
};

registered registered_by(const registry_state& state, const std::string& owner) {
  registered of_it;
  if (owner.empty()) return of_it;
  for (const auto& service : state.services.list) {
    if (service.owner != owner) continue;
    of_it.methods += service.declaration.serves.size();
    of_it.schema_bytes += schema_bytes_of(service.declaration);
  }
  return of_it;
}

/// Why there is no room for it, empty when there is.
std::string refuse_service(const registry_state& state, const service_changed& message) {
  const auto& limits = state.environment.limits;
  const auto count = message.declaration.serves.size();
  if (count == 0) return {};
  auto& counts = *state.environment.counts;
  const auto before = registered_by(state, message.owner);
  const auto share = share_of(limits.routes, limits.share_percent, 1);
  const auto holder = message.owner.empty() ? "this connection" : fmt::format("'{}'", message.owner);
  if (before.methods + count > share) {
    counts.add(metric::limit_routes);
    return fmt::format("{} would serve {} methods, its share is {} (limits.share_percent of limits.routes)",
                       holder, before.methods + count, share);
  }
  if (known_routes(state) + count > limits.routes) {
    counts.add(metric::limit_routes);
    return fmt::format("the node knows of too many methods, the limit is {} (limits.routes)", limits.routes);
  }
  const auto bytes = schema_bytes_of(message.declaration);
  if (!schema_room(state, before.schema_bytes).take(bytes)) {
    counts.add(metric::limit_schema_total);
    return fmt::format(
        "the schemas of what {} serves have {} bytes, for which there is no room (limits.share_percent of "
        "limits.schema_total_bytes)",
        holder, before.schema_bytes + bytes);
  }
  return {};
}

/// "'users', instance 'users-1', at 127.0.0.1:5000"
std::string title_of(const service_changed& service) {
  const auto& who = service.declaration;
  return fmt::format("{}{} at {}", who.name.empty() ? "without a name" : fmt::format("'{}'", who.name),
                     who.instance.empty() ? "" : fmt::format(", instance '{}',", who.instance),
                     service.address);
}

std::string methods_of(const service_changed& service) {
  const auto count = service.declaration.serves.size();
  return fmt::format("{} method{}", count, count == 1 ? "" : "s");
}

/// A line for a service that comes, goes, or serves something else. `before`: null when it served nothing.
void tell_of_service(registry_state& state, const service_changed* before, const service_changed& now,
                     std::string_view refusal) {
  const auto& serves = now.declaration.serves;
  if (before == nullptr ? serves.empty() : refusal.empty() && before->declaration.serves == serves) return;
  const auto left_out = state.services.lines.take(coro::clock::now());
  if (!left_out) return;
  auto& log = *state.environment.log;
  const auto note = left_out_note(*left_out);
  if (!refusal.empty()) {
    log.warn("service {} was refused: {}{}", title_of(now), refusal, note);
  } else if (serves.empty()) {
    log.info("service {} is gone, with {}{}", title_of(*before), methods_of(*before), note);
  } else if (before != nullptr) {
    log.info("service {} now serves {} instead of {}{}", title_of(now), methods_of(now),
             before->declaration.serves.size(), note);
  } else {
    log.info("service {} has joined, with {}{}", title_of(now), methods_of(now), note);
  }
}

}  // namespace

void on_service(registry_state& state, service_changed& message) {
  const auto known = std::ranges::find(state.services.list, message.connection, &service_changed::connection);
  std::optional<service_changed> before;
  if (known != state.services.list.end()) {
    before = std::move(*known);
    state.services.list.erase(known);
  }
  auto refusal = refuse_service(state, message);
  const bool refused = !refusal.empty();
  tell_of_service(state, before ? &*before : nullptr, message, refusal);
  if (message.ticket != 0) {
    auto added = std::make_shared<registration>();
    added->missing = state.environment.routers.size();
    added->reactor_index = message.connection.reactor_index;
    added->ticket = message.ticket;
    added->refusal = std::move(refusal);
    state.services.registrations.push_back(std::move(added));
  }
  if (!refused && !message.declaration.serves.empty()) state.services.list.push_back(std::move(message));
}

void on_serve_rights(registry_state& state, const serve_rights& message) {
  const auto known = std::ranges::find(state.services.list, message.connection, &service_changed::connection);
  if (known == state.services.list.end()) return;
  auto narrowed = *known;
  const auto withdrawn = std::erase_if(narrowed.declaration.serves, [&](const served_method& method) {
    return !message.serve.covers(method.pattern);
  });
  if (withdrawn == 0) return;
  narrowed.ticket = 0;
  on_service(state, narrowed);
}

}  // namespace weft
