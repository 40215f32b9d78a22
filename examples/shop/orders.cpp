#include "examples/shop/orders.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "actors/coro/when_all.hpp"
#include "actors/service/service_host.hpp"

namespace shop {
namespace {

using nlohmann::json;

/// What an order may take at most; a caller that gave less time than that gets less.
constexpr std::chrono::seconds timeout{2};

struct order {
  std::string key;
  std::int64_t user = 0;
  std::int64_t amount_cents = 0;
};

std::expected<order, weft::rpc_error> read_order(const json& params) {
  const bool complete = params.is_object() && params.contains("key") && params["key"].is_string() &&
                        params.contains("user") && params["user"].is_number_integer() &&
                        params.contains("amount_cents") && params["amount_cents"].is_number_unsigned();
  if (!complete) {
    return std::unexpected(
        weft::make_error(weft::error_code::invalid_params,
                         R"(takes {"key": string, "user": integer, "amount_cents": integer from 0})"));
  }
  return order{params["key"], params["user"], params["amount_cents"]};
}

/// How one of the two calls went, for the caller of an order that failed.
json outcome(const weft::json_result& part) {
  if (part) return {{"result", *part}};
  return {{"error", {{"code", part.error().code}, {"message", part.error().message}}}};
}

bool is(const weft::rpc_error& error, weft::error_code code) {
  return error.code == static_cast<std::int32_t>(code);
}

bool never_ran(const weft::json_result& part) {
  if (part) return false;
  const auto data = json::parse(part.error().data, nullptr, false);
  return (data.is_object() && data.value("executed", "") == "no") ||
         is(part.error(), weft::error_code::method_not_found);
}

/// JSON-RPC's own errors speak of the call that they answer: the order's caller got neither method nor params
/// wrong.
std::int32_t code_for(const weft::rpc_error& cause) {
  if (is(cause, weft::error_code::method_not_found))
    return static_cast<std::int32_t>(weft::error_code::unavailable);
  if (is(cause, weft::error_code::invalid_params))
    return static_cast<std::int32_t>(weft::error_code::internal_error);
  return cause.code;
}

/// The error of the call that failed, and what became of the other one: a charge may have been made for an
/// order that does not exist. `executed` speaks for the whole order, so it is "no" only when nothing was
/// done.
weft::rpc_error combine(const std::string& node, const order& wanted, const weft::json_result& user,
                        const weft::json_result& receipt) {
  const auto& cause = receipt ? user.error() : receipt.error();
  const auto user_note = user ? std::string() : "; users.get failed: " + user.error().message;
  const auto charge_note = receipt ? std::string("; billing.charge was made")
                                   : "; billing.charge failed: " + receipt.error().message;
  const bool nothing_done = never_ran(receipt) && (user || never_ran(user));
  const json data = {{"executed", nothing_done ? "no" : "unknown"},
                     {"node", node},
                     {"users.get", outcome(user)},
                     {"billing.charge", outcome(receipt)}};
  return {code_for(cause), fmt::format("order {}{}{}", wanted.key, user_note, charge_note),
          data.dump(-1, ' ', false, json::error_handler_t::replace)};
}

weft::coro::task<weft::json_result> create(weft::handler_context ctx, json params) {
  const auto wanted = read_order(params);
  if (!wanted) co_return std::unexpected(wanted.error());
  // Both calls end with this context: at its deadline, and when the caller of the order cancels or leaves.
  const auto limited = ctx.with(ctx.child(ctx.get_executor().now() + timeout));
  const auto mesh = limited.mesh();
  const json user_params = {{"id", wanted->user}};
  const json charge = {{"key", wanted->key}, {"user", wanted->user}, {"amount_cents", wanted->amount_cents}};
  const auto [user, receipt] =
      co_await weft::coro::when_all(mesh.call("users.get", user_params), mesh.call("billing.charge", charge));
  if (!user || !receipt) co_return std::unexpected(combine(ctx.node(), *wanted, user, receipt));
  co_return json{{"order", wanted->key}, {"user", *user}, {"receipt", *receipt}, {"node", ctx.node()}};
}

json parameter(const char* name, const char* type) {
  return {{"name", name}, {"required", true}, {"schema", {{"type", type}}}};
}

}  // namespace

void add_orders(weft::service_host& services) {
  services.add({.name = "orders.create",
                .handler = weft::coroutine_handler(create),
                .summary = "Looks up the user and charges the amount, both at the same time",
                .idempotent = false,
                .params = json::array({parameter("key", "string"), parameter("user", "integer"),
                                       parameter("amount_cents", "integer")}),
                .result = {{"type", "object"}, {"required", {"order", "user", "receipt", "node"}}}});
}

}  // namespace shop
