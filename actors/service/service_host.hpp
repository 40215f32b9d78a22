// The methods a process serves itself: names, handlers, descriptions.
//
//     weft::service_host services;
//     services.add({.name = "users.get", .handler = weft::coroutine_handler(get_user), .idempotent = true});
//
// Ownership: built before the node starts, then moved into it and never changed, so routers read it without a
// lock. Errors: `add` throws std::invalid_argument for a name that is empty, reserved or taken, since that is
// a bug.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "actors/coro/task.hpp"
#include "actors/messages/result.hpp"
#include "actors/runtime/string_map.hpp"
#include "actors/service/handler_context.hpp"
#include "actors/service/stream.hpp"
#include "actors/telemetry/call_stats.hpp"

namespace weft {

/// The fastest kind: reads the raw params (empty when absent), appends its result as JSON to `out`. Runs on
/// the reactor and must not wait. On an error whatever it appended is taken back.
using raw_handler = std::function<std::optional<rpc_error>(std::string_view raw_params, std::string& out)>;
/// Runs on the reactor and must not wait.
using plain_handler = std::function<json_result(const nlohmann::json& params)>;
/// Runs on the reactor and waits with co_await. A free or static function that takes its arguments by value.
using coroutine_handler = std::function<coro::task<json_result>(handler_context ctx, nlohmann::json params)>;
/// May block or compute for long: runs on CAF's scheduler, never on a reactor.
struct blocking_handler {
  std::function<json_result(const nlohmann::json& params)> run;
};

struct method {
  std::string name;
  std::variant<raw_handler, plain_handler, coroutine_handler, blocking_handler, stream_handler> handler;
  std::string summary{};
  /// A call may be executed twice without harm, so it may be retried.
  bool idempotent = false;
  /// Calls under way that it may have, where the node's options give no number; 0 is no limit.
  std::uint32_t max_in_flight = 0;
  /// JSON schemas for `rpc.discover`.
  nlohmann::json params = nlohmann::json::array();
  nlohmann::json result = nlohmann::json::object();

  /// Null when it answers with one result.
  const stream_handler* streams() const noexcept { return std::get_if<stream_handler>(&handler); }
};

class service_host {
 public:
  /// Returns itself, so that registrations can be chained.
  service_host& add(method m);
  /// For the node's own methods, whose names are reserved.
  service_host& add_builtin(method m);

  const method* find(std::string_view name) const noexcept {
    const auto found = methods_.find(name);
    return found == methods_.end() ? nullptr : &found->second;
  }
  /// In the order of their names.
  std::vector<const method*> list() const;

 private:
  service_host& insert(method m);

  string_map<method> methods_;
};

/// The OpenRPC document (https://spec.open-rpc.org) of these methods.
nlohmann::json openrpc_document(const std::vector<const method*>& methods, std::string_view node);

}  // namespace weft
