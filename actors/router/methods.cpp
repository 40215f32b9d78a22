// What a request does that this process serves: the handlers of the service host.
#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "actors/registry/registry.hpp"
#include "actors/router/router.hpp"
#include "actors/runtime/one_shot.hpp"
#include "proto/json/value_bytes.hpp"
#include "proto/message.hpp"

namespace weft {
namespace {

using coro::clock;
using nlohmann::json;
using std::chrono::milliseconds;

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// From inside a catch block.
std::string current_exception_text() {
  try {
    throw;
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

}  // namespace

std::expected<json, rpc_error> parse_value(std::string_view raw) {
  if (raw.empty()) return json(nullptr);
  try {
    return json::parse(raw);
  } catch (const json::exception& e) {
    return std::unexpected(
        make_error(error_code::invalid_params, fmt::format("params cannot be read: {}", e.what())));
  }
}

void router::invoke(const local_method& local, link_entry& entry, const proto::envelope& message,
                    const answer_target& target, clock::time_point received, clock::duration deadline) {
  const method& m = *local.what;
  method_stats& stats = *local.stats;
  if (const auto* raw = std::get_if<raw_handler>(&m.handler)) {
    return invoke_raw(*raw, m.name, message, target, stats);
  }
  if (const auto* plain = std::get_if<plain_handler>(&m.handler)) {
    return invoke_plain(*plain, m.name, message, target, stats);
  }
  auto* c = open_call(entry, target, stats, received, deadline);
  if (c == nullptr) return;
  if (recorder_) take_trace(*c, m.name);
  // What the handler gets is counted by what it takes, before it takes it.
  if (!message.params.empty() && !hold(*c, proto::value_bytes(message.params))) return;
  auto params = parse_value(message.params);
  if (!params) return answer_error(*c, params.error());
  if (local.admission && (local.admission->full() || waits_for_room(*local.admission))) {
    c->method = m.name;
    c->local = &local;
    c->request = message.text;
    if (!hold(*c)) return;
    return wait_for_room(*c, local.admission);
  }
  if (local.admission) enter(*c, local.admission);
  start(*c, m, std::move(*params), message);
}

void router::start(call& c, const method& m, json params, const proto::envelope& message) {
  if (std::holds_alternative<coroutine_handler>(m.handler)) {
    start_coroutine(m, c, std::move(params), message);
  } else {
    start_blocking(m, c, std::move(params));
  }
}

void router::invoke_raw(const raw_handler& handler, std::string_view name, const proto::envelope& message,
                        const answer_target& target, method_stats& stats) {
  std::int32_t code = 0;
  const auto write = [&](std::string& out) {
    const auto start = out.size();
    proto::begin_result(out, target.raw_id);
    std::optional<rpc_error> error;
    try {
      error = handler(message.params, out);
    } catch (...) {
      error = handler_failed(name, current_exception_text());
    }
    if (!error) return proto::end_result(out);
    code = error->code;
    out.resize(start);
    proto::append_error(out, target.raw_id, *error);
  };
  if (target.wanted) {
    render(target, write);
  } else {
    scratch_.clear();
    write(scratch_);
  }
  answered_now(stats, code);
}

void router::invoke_plain(const plain_handler& handler, std::string_view name, const proto::envelope& message,
                          const answer_target& target, method_stats& stats) {
  auto params = parse_value(message.params);
  result outcome;
  if (!params) {
    outcome = std::unexpected(params.error());
  } else {
    try {
      outcome = handler(*params);
    } catch (...) {
      outcome = std::unexpected(handler_failed(name, current_exception_text()));
    }
  }
  answered_now(stats, outcome ? 0 : outcome.error().code);
  if (!outcome) return answer_error(target, outcome.error());
  render(target, [&](std::string& out) { proto::append_result(out, target.raw_id, dump(*outcome)); });
}

rpc_error router::handler_failed(std::string_view name, std::string_view what) {
  home().metrics().add(metric::handler_exceptions);
  shared_.log->error("handler of {} threw: {}", name, what);
  return make_error(error_code::internal_error, fmt::format("internal error in the handler of '{}'", name));
}

void router::start_coroutine(const method& m, call& c, json params, const proto::envelope& message) {
  auto trace = handler_trace(c, message.traceparent, message.tracestate);
  c.to = call::target::coroutine;
  c.context.emplace(home(), c.deadline);
  weft::context ctx(*c.context, *this, c.caller, std::move(trace));
  home().metrics().add(metric::coroutines);
  tasks_->spawn(run_handler(this, c.key, &m, std::move(ctx), std::move(params)));
}

coro::task<void> router::run_handler(router* self, call_key key, const method* m, weft::context ctx,
                                     json params) {
  result outcome;
  try {
    outcome = co_await std::get<coroutine_handler>(m->handler)(std::move(ctx), std::move(params));
  } catch (...) {
    outcome = std::unexpected(self->handler_failed(m->name, current_exception_text()));
  }
  self->home().metrics().add(metric::coroutines, -1);
  self->on_handler_done(key, std::move(outcome));
}

void router::start_blocking(const method& m, call& c, json params) {
  c.to = call::target::blocking;
  auto& running = *environment_.blocking_calls;
  auto* caller = c.from == call::origin::connection ? find(c.caller) : nullptr;
  const auto share = share_of(options().limits.blocking_calls, options().limits.share_percent, 1);
  if (caller != nullptr && caller->blocking_count >= share) {
    home().metrics().add(metric::limit_blocking);
    constexpr std::int64_t retry_after_ms = 100;
    return give_up(
        c, make_mesh_error(error_code::resource_exhausted,
                           fmt::format("{} blocking handlers of this connection are under way, its share "
                                       "(limits.share_percent of limits.blocking_calls)",
                                       share),
                           executed::no, options().id, retry_after_ms));
  }
  if (running.load(std::memory_order_relaxed) >= static_cast<std::int64_t>(options().limits.blocking_calls)) {
    home().metrics().add(metric::limit_blocking);
    constexpr std::int64_t retry_after_ms = 100;
    return give_up(c, make_mesh_error(error_code::resource_exhausted,
                                      "too many blocking handlers are under way (limits.blocking_calls)",
                                      executed::no, options().id, retry_after_ms));
  }
  running.fetch_add(1, std::memory_order_relaxed);
  if (caller != nullptr) ++caller->blocking_count;
  const auto home_router = caf::actor_cast<caf::strong_actor_ptr>(this);
  const auto body = [handler = &std::get<blocking_handler>(m.handler), name = m.name, key = c.key,
                     by = caller == nullptr ? connection_key{} : c.caller,
                     counter = environment_.blocking_calls, params = std::move(params), home_router] {
    auto done = make_actor_message<blocking_done>(key, by, name);
    try {
      done->outcome = handler->run(params);
    } catch (...) {
      done->exception = current_exception_text();
    }
    counter->fetch_sub(1, std::memory_order_relaxed);
    home_router->enqueue(caf::mailbox_element_ptr(done.release()), nullptr);
  };
  environment_.system->spawn<one_shot>(body);
}

void router::on_blocking_done(blocking_done& done) {
  if (auto* caller = find(done.caller)) --caller->blocking_count;
  if (done.exception) done.outcome = std::unexpected(handler_failed(done.method, *done.exception));
  on_handler_done(done.key, std::move(done.outcome));
}

void router::invoke_in_process(call& c, const local_method& local, std::string_view raw_params,
                               const weft::context& ctx) {
  c.stats = local.stats;
  c.in_process = true;
  auto params = parse_value(raw_params);
  if (!params) return give_up(c, params.error());
  const auto key = c.key;
  if (const auto* raw = std::get_if<raw_handler>(&local.what->handler)) {
    std::string out;
    const auto error = (*raw)(raw_params, out);
    if (error) return give_up(c, *error);
    observe(c, 0);
    c.waiter->set(raw_result(std::move(out)));
    return close_call(c);
  }
  if (const auto* plain = std::get_if<plain_handler>(&local.what->handler)) {
    try {
      return on_handler_done(key, (*plain)(*params));
    } catch (...) {
      return on_handler_done(key,
                             std::unexpected(handler_failed(local.what->name, current_exception_text())));
    }
  }
  if (local.admission) {
    // A coroutine that waits here may hold the very room it waits for.
    if (local.admission->full())
      return refuse(c, fmt::format("'{}' has all the calls under way that it may have", local.what->name));
    enter(c, local.admission);
  }
  if (std::holds_alternative<coroutine_handler>(local.what->handler)) {
    auto trace = c.trace.recording ? handler_trace(c, {}, ctx.raw_tracestate()) : ctx.trace();
    c.to = call::target::coroutine;
    c.context.emplace(ctx.child(c.deadline));
    home().metrics().add(metric::coroutines);
    tasks_->spawn(
        run_handler(this, key, local.what, ctx.with(*c.context, std::move(trace)), std::move(*params)));
  } else {
    start_blocking(*local.what, c, std::move(*params));
  }
}

void router::on_handler_done(call_key key, result outcome) {
  auto* c = calls_.find(key);
  if (c != nullptr && c->from == call::origin::coroutine) {
    observe(*c, outcome ? 0 : outcome.error().code);
    c->waiter->set(outcome ? raw_result(dump(*outcome))
                           : raw_result(std::unexpect, std::move(outcome.error())));
    return close_call(*c);
  }
  if (c != nullptr && c->left_behind) return close_left_behind(*c, 0);
  if (c == nullptr || c->from != call::origin::connection) {
    // Answered already (deadline, cancellation) or nobody is there any more.
    home().metrics().add(metric::late_results);
    return;
  }
  if (outcome) {
    answer_result(*c, dump(*outcome));
  } else {
    answer_error(*c, outcome.error());
  }
  flush_outside_turn();
}

}  // namespace weft
