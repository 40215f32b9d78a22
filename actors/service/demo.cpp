#include "actors/service/demo.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "actors/coro/sleep.hpp"

namespace weft {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

rpc_error invalid_params(std::string message) {
  return make_error(error_code::invalid_params, std::move(message));
}

/// What each parameter of a method got, in the order of `names`; null for one that did not come.
using arguments = std::vector<const json*>;

/// Params by position or by name, as those of services: a misspelt one is told, and not passed over.
std::expected<arguments, rpc_error> arrange(const json& params, std::initializer_list<std::string_view> names,
                                            std::string_view shape) {
  arguments values(names.size(), nullptr);
  const auto refuse = [&](const std::string& what) {
    return std::unexpected(invalid_params(fmt::format("{}; it takes {}", what, shape)));
  };
  if (params.is_array()) {
    if (params.size() > names.size()) return refuse(fmt::format("{} params came", params.size()));
    for (std::size_t i = 0; i < params.size(); ++i) values[i] = &params[i];
  } else if (params.is_object()) {
    for (const auto& [name, value] : params.items()) {
      const auto* const found = std::ranges::find(names, name);
      if (found == names.end()) return refuse(fmt::format("'{}' is no parameter of it", name));
      values[static_cast<std::size_t>(found - names.begin())] = &value;
    }
  }
  return values;
}

rpc_error takes(std::string_view shape) {
  return invalid_params(fmt::format("takes {}", shape));
}

constexpr std::string_view no_params = "no params";

std::expected<milliseconds, rpc_error> read_ms(const json& params) {
  constexpr std::int64_t longest_ms = 3'600'000;
  constexpr std::string_view shape = R"({"ms": number}, or the same in an array)";
  const auto values = arrange(params, {"ms"}, shape);
  if (!values) return std::unexpected(values.error());
  const json* const found = values->front();
  if (found == nullptr || !found->is_number()) return std::unexpected(takes(shape));
  const auto ms = found->get<double>();
  if (!(ms >= 0 && ms <= static_cast<double>(longest_ms))) {
    return std::unexpected(invalid_params(fmt::format("'ms' is a number from 0 to {}", longest_ms)));
  }
  return milliseconds(static_cast<std::int64_t>(ms));
}

/// An integer of 64 bits: those beyond are read as unsigned, or as no integers at all.
std::optional<std::int64_t> whole_number(const json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return std::nullopt;
  return value.get<std::int64_t>();
}

std::optional<rpc_error> foo(std::string_view, std::string& out) {
  out += R"("ok")";
  return std::nullopt;
}

std::optional<rpc_error> echo(std::string_view raw_params, std::string& out) {
  out += raw_params.empty() ? "null" : raw_params;
  return std::nullopt;
}

coro::task<json_result> sleep(handler_context ctx, json params) {
  const auto time = read_ms(params);
  if (!time) co_return std::unexpected(time.error());
  if (const auto slept = co_await coro::sleep_for(ctx, *time); !slept) {
    co_return std::unexpected(
        make_error(error_code::request_cancelled, fmt::format("cancelled: {}", to_string(slept.error()))));
  }
  co_return "ok";
}

json_result blocking(const json& params) {
  const auto time = read_ms(params);
  if (!time) return std::unexpected(time.error());
  std::this_thread::sleep_for(*time);
  return "ok";
}

json_result fail(const json& params) {
  constexpr std::string_view shape =
      R"({"code": integer, "message": string, "data"?: any}, or the same in an array)";
  const auto values = arrange(params, {"code", "message", "data"}, shape);
  if (!values) return std::unexpected(values.error());
  const auto [code, message, data] = std::tuple((*values)[0], (*values)[1], (*values)[2]);
  if (code == nullptr || !code->is_number_integer() || message == nullptr || !message->is_string())
    return std::unexpected(takes(shape));
  const auto number = code->get<std::int64_t>();
  if (number != static_cast<std::int32_t>(number))
    return std::unexpected(invalid_params("'code' has 32 bits"));
  rpc_error error{static_cast<std::int32_t>(number), message->get<std::string>(), {}};
  if (data != nullptr) error.data = data->dump(-1, ' ', false, json::error_handler_t::replace);
  return std::unexpected(std::move(error));
}

json_result sum(const json& params) {
  constexpr std::string_view shape = R"({"values": [number…]}, or the same in an array)";
  const auto arranged = arrange(params, {"values"}, shape);
  if (!arranged) return std::unexpected(arranged.error());
  const json* const values = arranged->front();
  if (values == nullptr || !values->is_array()) return std::unexpected(takes(shape));
  double total = 0;
  std::int64_t whole = 0;
  bool integral = true;
  for (const auto& value : *values) {
    if (!value.is_number()) return std::unexpected(invalid_params("'values' holds numbers only"));
    total += value.get<double>();
    const auto number = whole_number(value);
    integral = integral && number && !__builtin_add_overflow(whole, *number, &whole);
  }
  return integral ? json(whole) : json(total);
}

coro::task<json_result> whoami(handler_context ctx, json params) {
  if (const auto none = arrange(params, {}, no_params); !none) co_return std::unexpected(none.error());
  co_return json{{"node", ctx.node()}};
}

struct target_call {
  std::string to;
  std::string method;
  json params;
};

std::expected<target_call, rpc_error> read_call(const json& params, bool with_target) {
  const std::string_view shape =
      with_target ? R"({"to": peer, "method": string, "params"?: object or array}, or the same in an array)"
                  : R"({"method": string, "params"?: object or array}, or the same in an array)";
  auto values = with_target ? arrange(params, {"to", "method", "params"}, shape)
                            : arrange(params, {"method", "params"}, shape);
  if (!values) return std::unexpected(values.error());
  const auto is_text = [](const json* value) { return value != nullptr && value->is_string(); };
  target_call read;
  if (with_target) {
    if (!is_text(values->front())) return std::unexpected(takes(shape));
    read.to = values->front()->get<std::string>();
    values->erase(values->begin());
  }
  const auto [method, inner] = std::pair((*values)[0], (*values)[1]);
  if (!is_text(method)) return std::unexpected(takes(shape));
  read.method = method->get<std::string>();
  if (inner != nullptr) read.params = *inner;
  if (!read.params.is_null() && !read.params.is_structured()) {
    return std::unexpected(invalid_params("'params' is an object or an array"));
  }
  return read;
}

coro::task<json_result> relay(handler_context ctx, json params) {
  auto read = read_call(params, true);
  if (!read) co_return std::unexpected(read.error());
  co_return co_await ctx.peer(read->to).call(read->method, read->params);
}

coro::task<json_result> callback(handler_context ctx, json params) {
  auto read = read_call(params, false);
  if (!read) co_return std::unexpected(read.error());
  co_return co_await ctx.caller().call(read->method, read->params);
}

struct count_range {
  std::int64_t from = 0;
  std::int64_t to = 0;
  milliseconds pause{0};
};

std::expected<count_range, rpc_error> read_range(const stream_call& call) {
  constexpr std::string_view shape =
      R"({"to": integer, "from"?: integer, "ms"?: pause between items}, or the same in an array)";
  const auto values = arrange(call.params, {"to", "from", "ms"}, shape);
  if (!values) return std::unexpected(values.error());
  const auto whole = [&](std::size_t at, std::optional<std::int64_t> otherwise) {
    const json* const value = (*values)[at];
    if (value == nullptr) return otherwise;
    return whole_number(*value);
  };
  const auto to = whole(0, std::nullopt);
  const auto from = whole(1, 0);
  const auto pause = whole(2, 0);
  if (!from || !to || !pause || *pause < 0 || *pause > 3'600'000) return std::unexpected(takes(shape));
  count_range range{*from, *to, milliseconds(*pause)};
  if (call.raw_after.empty()) return range;
  const auto after = json::parse(call.raw_after, nullptr, false);
  const auto last = whole_number(after);
  if (!last || *last < range.from || *last > range.to) {
    return std::unexpected(invalid_params(
        fmt::format("the cursor to go on after is an item of this stream, an integer from {} to {}, not {}",
                    range.from, range.to, call.raw_after)));
  }
  if (*last >= range.to) return count_range{1, 0, {}};
  range.from = *last + 1;
  return range;
}

item_generator count(handler_context ctx, stream_call call) {
  const auto range = read_range(call);
  if (!range) throw stream_raised(range.error());
  if (range->from > range->to) co_return;
  for (auto number = range->from;; ++number) {
    co_yield stream_item{std::to_string(number), std::to_string(number)};
    if (number == range->to) co_return;
    if (range->pause.count() > 0 && !co_await coro::sleep_for(ctx, range->pause)) co_return;
  }
}

item_generator running_total(handler_context, stream_call call) {
  if (const auto none = arrange(call.params, {}, no_params); !none) throw stream_raised(none.error());
  if (!call.raw_after.empty()) throw stream_raised(invalid_params("it cannot go on behind a cursor"));
  double total = 0;
  auto value = co_yield stream_item{"0"};
  while (value) {
    const auto number = json::parse(*value, nullptr, false);
    if (!number.is_number()) throw stream_raised(invalid_params("takes numbers only"));
    total += number.get<double>();
    value = co_yield stream_item{json(total).dump()};
  }
}

json parameter(const char* name, const json& type, bool required = true) {
  return {{"name", name}, {"required", required}, {"schema", {{"type", type}}}};
}

}  // namespace

void add_demo_methods(service_host& services) {
  const json text = {{"type", "string"}};
  const json structured = json::array({"object", "array"});
  services
      .add({.name = "foo",
            .handler = raw_handler(foo),
            .summary = "Answers \"ok\"",
            .idempotent = true,
            .result = text})
      .add({.name = "demo.echo",
            .handler = raw_handler(echo),
            .summary = "Its params, byte for byte",
            .idempotent = true,
            .params = json::object()})
      .add({.name = "demo.sleep",
            .handler = coroutine_handler(sleep),
            .summary = "Answers \"ok\" after some time, without holding a thread",
            .idempotent = true,
            .params = json::array({parameter("ms", "number")}),
            .result = text})
      .add({.name = "demo.blocking",
            .handler = blocking_handler{blocking},
            .summary = "Answers \"ok\" after blocking a thread of the scheduler",
            .idempotent = true,
            .params = json::array({parameter("ms", "number")}),
            .result = text})
      .add({.name = "demo.count",
            .handler = stream_handler{.run = count, .resumable = true, .item = {{"type", "integer"}}},
            .summary = "Streams the numbers from one to another",
            .idempotent = true,
            .params = json::array({parameter("to", "integer"), parameter("from", "integer", false),
                                   parameter("ms", "integer", false)})})
      .add({.name = "demo.total",
            .handler = stream_handler{.run = running_total,
                                      .takes_input = true,
                                      .item = {{"type", "number"}},
                                      .input = {{"type", "number"}}},
            .summary = "Streams the running total of the numbers that its caller sends"})
      .add({.name = "demo.fail",
            .handler = plain_handler(fail),
            .summary = "Answers with this error",
            .idempotent = true,
            .params = json::array({parameter("code", "integer"), parameter("message", "string"),
                                   json{{"name", "data"}, {"required", false}, {"schema", json::object()}}})})
      .add({.name = "demo.sum",
            .handler = plain_handler(sum),
            .summary = "The sum of numbers",
            .idempotent = true,
            .params = json::array({parameter("values", "array")}),
            .result = {{"type", "number"}}})
      .add({.name = "demo.whoami",
            .handler = coroutine_handler(whoami),
            .summary = "Which node answers",
            .idempotent = true,
            .result = {{"type", "object"}}})
      .add({.name = "demo.relay",
            .handler = coroutine_handler(relay),
            .summary = "Calls a method on a peer node and returns its result",
            .params = json::array({parameter("to", "string"), parameter("method", "string"),
                                   parameter("params", structured, false)})})
      .add({.name = "demo.callback",
            .handler = coroutine_handler(callback),
            .summary = "Calls a method on the connection the request came from and returns its result",
            .params = json::array({parameter("method", "string"), parameter("params", structured, false)})});
}

}  // namespace weft
