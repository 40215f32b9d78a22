// The adapter of the conformance suite for <weft/client.hpp> and <weft/service.hpp>; ../../README.md says
// what its methods do.   conformance_cpp HOST:PORT [OTHER]
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <latch>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "weft/weft.hpp"

namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::milliseconds;
using weft::call_context;
using weft::task;

constexpr int caught_code = 1;
constexpr auto for_ever = 24h;

/// What the adapter remembers. Methods of a client run on its one reactor, so it needs no lock.
struct memory {
  json notes = json::array();
  std::atomic<int> waiting = 0;
  int cleaned = 0;
  std::map<std::string, weft::pending<json>> begun;
} memory;

/// The connection, for calls that outlive the call that asks for them.
std::optional<weft::client> connection;
std::latch connected(1);
std::latch leaving(1);

const weft::client& node() {
  connected.wait();
  return *connection;
}

class waiter {
 public:
  waiter() { ++memory.waiting; }
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;
  ~waiter() {
    --memory.waiting;
    ++memory.cleaned;
  }
};

json to_json(const weft::error& failure) {
  json data = failure.data.empty() ? json() : json::parse(failure.data);
  if (failure.executed && !data.is_object()) data = json::object();
  if (failure.executed) data["executed"] = *failure.executed == weft::executed::no ? "no" : "unknown";
  if (failure.retry_after) data["retry_after_ms"] = failure.retry_after->count();
  json object = {{"code", failure.code}, {"message", failure.message}};
  if (!data.is_null()) object["data"] = std::move(data);
  return object;
}

std::optional<milliseconds> limit(std::optional<std::int64_t> timeout_ms) {
  return timeout_ms ? std::optional(milliseconds(*timeout_ms)) : std::nullopt;
}

json echo(json value) {
  return value;
}

weft::result<void> fail(int code, std::string message, std::optional<json> data) {
  auto failure = weft::error::plain(code, std::move(message));
  if (data) failure.data = data->dump();
  return failure;
}

int crash() {
  throw std::runtime_error("a bug");
}

weft::error taken_back() {
  return {weft::error_code::request_cancelled, "taken back"};
}

task<weft::result<void>> wait(call_context ctx) {
  const waiter here;
  if (!co_await weft::sleep_for(ctx, for_ever)) co_return taken_back();
  co_return weft::result<void>();
}

void note(json value) {
  memory.notes.push_back(std::move(value));
}

json state() {
  return {{"notes", memory.notes}, {"waiting", memory.waiting.load()}, {"cleaned", memory.cleaned}};
}

weft::async_generator<weft::item<std::int64_t, std::int64_t>> count(call_context ctx, std::int64_t to,
                                                                    std::optional<int> fail_with) {
  for (std::int64_t n = ctx.after<std::int64_t>().value_or(-1) + 1; n < to; ++n) co_yield weft::item{n, n};
  if (fail_with) throw weft::stream_error(*fail_with, "as asked");
}

weft::async_generator<json, std::int64_t> total() {
  std::int64_t sum = 0;
  json shown = 0;
  for (;;) {
    try {
      const auto sent = co_yield shown;
      if (!sent) co_return;
      sum += *sent;
      shown = sum;
    } catch (const weft::stream_error& raised) {
      if (raised.error.code != caught_code) throw;
      shown = {{"caught", raised.error.message}};
    }
  }
}

weft::async_generator<int> hold(call_context ctx) {
  const waiter here;
  co_yield 0;
  static_cast<void>(co_await weft::sleep_for(ctx, for_ever));
}

json outcome_of(const std::expected<std::string, weft::error>& answer) {
  if (!answer) return {{"error", to_json(answer.error())}};
  return {{"result", json::parse(*answer)}};
}

task<weft::result<json>> call(call_context ctx, std::string method, std::optional<json> params,
                              std::optional<std::int64_t> timeout_ms, std::optional<json> route_key) {
  weft::call_options options{.deadline = limit(timeout_ms)};
  if (route_key) options.route_key = std::move(*route_key);
  const auto answer =
      co_await ctx.mesh().call_raw(std::move(method), params ? params->dump() : "", std::move(options));
  if (ctx.cancelled()) co_return taken_back();
  co_return outcome_of(answer);
}

weft::pending<json> start(const std::string& method, const std::optional<json>& params,
                          weft::call_options options) {
  if (params && params->is_object()) return node().call(method, *params, std::move(options));
  return node().call(method, std::move(options));
}

weft::result<void> begin(std::string key, std::string method, std::optional<json> params,
                         std::optional<std::int64_t> timeout_ms) {
  if (params && params->is_array() && !params->empty())
    return weft::error(weft::error_code::method_not_found, "begin takes params by name here");
  memory.begun.insert_or_assign(std::move(key), start(method, params, {.deadline = limit(timeout_ms)}));
  return {};
}

task<weft::result<json>> outcome(std::string key) {
  const auto found = memory.begun.extract(key);
  if (found.empty()) co_return weft::error(weft::error_code::invalid_params, "no call '{}' was begun", key);
  const auto answer = co_await found.mapped();
  if (!answer) co_return json{{"error", to_json(answer.error())}};
  co_return json{{"result", *answer}};
}

void notify(std::string method, json params) {
  node().notify_raw(std::move(method), params.dump());
}

using stream = weft::stream<json, json>;

/// Up to that many items; false when the stream has ended.
task<bool> take(stream* from, std::int64_t most, json* items) {
  for (std::int64_t n = 0; n < most; ++n) {
    auto item = co_await from->next();
    if (!item) co_return false;
    items->push_back(std::move(*item));
  }
  co_return true;
}

task<bool> step(stream* on, json what, json* items) {
  const std::string& kind = what.at(0).get_ref<const std::string&>();
  std::int64_t most = 1;
  if (kind == "take") {
    most = what.at(1).get<std::int64_t>();
  } else if (kind == "send") {
    static_cast<void>(co_await on->send(what.at(1)));
  } else if (kind == "throw") {
    on->raise(weft::error::plain(what.at(1).get<int>(), what.at(2).get<std::string>()));
  } else {
    on->end_input();
    most = std::numeric_limits<std::int64_t>::max();
  }
  co_return co_await take(on, most, items);
}

/// Letting go of a stream takes it back, and waits for nothing.
bool wants_what_is_not_there(const std::vector<json>& steps) {
  return std::ranges::any_of(steps, [](const json& each) { return each.at(0) == "closed"; });
}

task<weft::result<json>> read_stream(call_context ctx, std::string method, std::optional<json> params,
                                     std::optional<std::int64_t> window,
                                     std::optional<std::vector<json>> steps, std::optional<json> after,
                                     std::optional<std::int64_t> timeout_ms) {
  if (steps && wants_what_is_not_there(*steps))
    co_return weft::error(weft::error_code::method_not_found, "a stream is let go without waiting");
  weft::read_options options{.window = window.value_or(64), .deadline = limit(timeout_ms)};
  if (after) options.after = std::move(*after);
  auto items = json::array();
  auto on = params && params->is_object() ? ctx.mesh().stream<json, json>(method, *params, options)
                                          : ctx.mesh().stream<json, json>(method, options);
  bool goes_on = true;
  if (!steps) goes_on = co_await take(&on, std::numeric_limits<std::int64_t>::max(), &items);
  for (const auto& each : steps.value_or(std::vector<json>())) {
    if (!goes_on || each.at(0) == "close") break;
    goes_on = co_await step(&on, each, &items);
  }
  if (ctx.cancelled()) co_return taken_back();
  json came = {{"items", std::move(items)}, {"ended", !goes_on && !on.error()}};
  if (on.error()) came["error"] = to_json(*on.error());
  co_return came;
}

void leave() {
  leaving.count_down();
}

weft::service adapter() {
  weft::service made("conformance");
  made.method("conformance.echo", echo, {.params = {"value"}})
      .method("conformance.fail", fail, {.params = {"code", "message", "data"}})
      .method("conformance.crash", crash)
      .method("conformance.wait", wait)
      .method("conformance.note", note, {.params = {"value"}})
      .method("conformance.state", state)
      .method("conformance.count", count, {.params = {"to", "fail"}, .resumable = true})
      .method("conformance.total", total)
      .method("conformance.hold", hold)
      .method("conformance.call", call, {.params = {"method", "params", "timeout_ms", "route_key"}})
      .method("conformance.begin", begin, {.params = {"key", "method", "params", "timeout_ms"}})
      .method("conformance.outcome", outcome, {.params = {"key"}})
      .method("conformance.notify", notify, {.params = {"method", "params"}})
      .method("conformance.leave", leave)
      .method("conformance.stream", read_stream,
              {.params = {"method", "params", "window", "steps", "after", "timeout_ms"}});
  return made;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: {} HOST:PORT [OTHER]\n", argv[0]);
    return 64;
  }
  const weft::service methods = adapter();
  const weft::client_options options{
      .name = "conformance", .instance = "cpp", .heartbeat = 5s, .serves = true};
  for (auto pause = 100ms;; pause = std::min<milliseconds>(2 * pause, 10s)) {
    auto made = weft::client::connect(std::vector<std::string>(argv + 1, argv + argc), options, methods);
    if (made) {
      connection = std::move(*made);
      break;
    }
    fmt::print(stderr, "{}\n", made.error());
    std::this_thread::sleep_for(pause);
  }
  connected.count_down();
  leaving.wait();
  // `weft::serve` does this by itself; a client that serves beside what else it does says so.
  if (const auto told = node().call("mesh.drain").get(); !told) fmt::print(stderr, "{}\n", told.error());
  while (memory.waiting > 0) std::this_thread::sleep_for(10ms);
  connection.reset();
}
