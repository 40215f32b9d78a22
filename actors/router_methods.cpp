// What a request does: the control methods of the protocol, and the handlers of the service host.
#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "actors/one_shot.hpp"
#include "actors/registry.hpp"
#include "actors/router.hpp"
#include "proto/message.hpp"

namespace weft {
namespace {

using coro::clock;
using nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds shortest_heartbeat{10};
constexpr milliseconds longest_heartbeat{3'600'000};
constexpr std::string_view cancel_method = "$/cancelRequest";
constexpr std::string_view goaway_method = "$/goaway";

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

struct connect_params {
  std::optional<std::vector<served_method>> serves;
  std::string name;
  std::string instance;
  std::string node;
  std::string token;
  std::optional<milliseconds> heartbeat;
};

std::optional<std::string> read_string(const json& params, const char* member, std::string& into) {
  const auto found = params.find(member);
  if (found == params.end()) return std::nullopt;
  if (!found->is_string()) return fmt::format("'{}' is a string, not {}", member, found->type_name());
  into = found->get<std::string>();
  constexpr std::size_t longest = 256;
  if (into.size() > longest) return fmt::format("'{}' has at most {} bytes", member, longest);
  return std::nullopt;
}

std::expected<connect_params, std::string> read_connect(const json& params, const limit_options& limits) {
  connect_params read;
  if (params.is_null() || (params.is_array() && params.empty())) return read;
  if (!params.is_object())
    return std::unexpected("connect takes named params: {name?, instance?, serves?, token?, heartbeat_ms?}");
  for (const auto& [member, into] : {std::pair{"name", &read.name}, std::pair{"instance", &read.instance},
                                     std::pair{"node", &read.node}, std::pair{"token", &read.token}}) {
    if (auto wrong = read_string(params, member, *into)) return std::unexpected(std::move(*wrong));
  }
  if (const auto found = params.find("heartbeat_ms"); found != params.end()) {
    const auto ms = found->is_number() ? found->get<double>() : -1.0;
    if (ms < static_cast<double>(shortest_heartbeat.count()) ||
        ms > static_cast<double>(longest_heartbeat.count())) {
      return std::unexpected(fmt::format("'heartbeat_ms' is a number from {} to {}",
                                         shortest_heartbeat.count(), longest_heartbeat.count()));
    }
    read.heartbeat = milliseconds(static_cast<std::int64_t>(ms));
  }
  if (const auto found = params.find("serves"); found != params.end()) {
    auto serves = parse_serves(*found, limits);
    if (!serves) return std::unexpected(std::move(serves.error()));
    read.serves = std::move(*serves);
  }
  return read;
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

bool router::on_control(link_entry& entry, std::string_view name, const proto::envelope& message,
                        const answer_target& target) {
  if (name.empty()) return false;
  if (name.front() == '$') {
    if (!name.starts_with("$/")) return false;
    if (target.wanted) {
      answer_error(target,
                   make_error(error_code::method_not_found, fmt::format("method '{}' not found", name)));
    } else if (name == cancel_method) {
      on_cancel(entry, message);
    } else if (name == goaway_method) {
      on_goaway(entry, message);
    }
    return true;
  }
  if (name == "heartbeat") {
    if (!target.wanted) return true;
    if (target.group != nullptr) {
      render(target, [&](std::string& out) { proto::append_result(out, target.raw_id, R"("ok")"); });
      return true;
    }
    auto& urgent = output(entry).urgent;
    const auto start = proto::begin_frame(urgent);
    proto::append_result(urgent, target.raw_id, R"("ok")");
    proto::end_frame(urgent, start);
    return true;
  }
  if (name.starts_with("mesh.")) return on_mesh(entry, name, message, target);
  if (name != "connect") return false;
  on_connect(entry, message, target);
  return true;
}

void router::on_goaway(link_entry& entry, const proto::envelope& message) {
  if (entry.as == link_entry::role::client || !entry.introduced) {
    entry.going_away = true;
  } else {
    // Two nodes may have another link. The registry puts it in this one's place in one step, until which this
    // one goes on: the other side still takes what is on its way.
    const auto params = parse_value(message.params);
    const auto handover = params && params->is_object() ? params->value("handover_ms", json()) : json();
    const bool hands_over = handover.is_number() && handover > 0;
    caf::anon_send(*environment_.registry, node_link_leaving{{home().index(), entry.key()}, hands_over});
  }
}

void router::on_connect(link_entry& entry, const proto::envelope& message, const answer_target& target) {
  const auto params = parse_value(message.params);
  if (!params) return answer_error(target, params.error());
  auto read = read_connect(*params, options().limits);
  if (!read) return answer_error(target, make_error(error_code::invalid_params, read.error()));
  const bool as_node = !read->node.empty() || entry.as == link_entry::role::peer_in;
  const auto serves =
      read->serves ? std::span<const served_method>(*read->serves) : std::span<const served_method>();
  const auto who = authorize(entry, read->token, serves, as_node);
  if (!who) return answer_error(target, who.error());
  entry.who = *who;
  entry.introduced = true;
  entry.name = std::move(read->name);
  entry.instance = std::move(read->instance);
  if (read->serves) {
    entry.serves = !read->serves->empty();
    caf::anon_send(*environment_.registry,
                   service_changed{{home().index(), entry.key()},
                                   {entry.name, entry.instance, std::move(*read->serves)}});
  }
  const auto heartbeat = read->heartbeat.value_or(options().protocol.heartbeat_interval);
  output(entry).heartbeat = heartbeat;
  const auto& limits = options().limits;
  const json reply = {{"node", options().id},
                      {"connection", fmt::format("{}-{}-{}", home().index(), entry.slot, entry.generation)},
                      {"heartbeat_ms", heartbeat.count()},
                      {"limits",
                       {{"frame_bytes", limits.frame_bytes},
                        {"depth", limits.depth},
                        {"batch_size", limits.batch_size},
                        {"in_flight", limits.in_flight_per_connection},
                        {"method_name_bytes", limits.method_name_bytes}}}};
  render(target, [&](std::string& out) { proto::append_result(out, target.raw_id, dump(reply)); });
  if (draining_) send_frame(entry, draining_goaway(), true);
  if (read->node.empty()) return;
  entry.as = link_entry::role::peer_in;
  entry.node = read->node;
  caf::anon_send(*environment_.registry, node_link_changed{{home().index(), entry.key()}, read->node, true});
}

bool router::on_mesh(link_entry& entry, std::string_view name, const proto::envelope& message,
                     const answer_target& target) {
  const link_address link{home().index(), entry.key()};
  const bool from_node = entry.as != link_entry::role::client;
  if (from_node && name == "mesh.routes") {
    if (auto params = parse_value(message.params)) {
      caf::anon_send(*environment_.registry, node_routes{link, std::move(*params)});
    }
  } else if (from_node && name == "mesh.resync") {
    caf::anon_send(*environment_.registry, node_resync{link});
  } else if (name == "mesh.drain") {
    // A service that is about to go: nothing new is sent to it, what is under way finishes.
    entry.serves = false;
    caf::anon_send(*environment_.registry, service_changed{link, {entry.name, entry.instance, {}}});
    render(target, [&](std::string& out) { proto::append_result(out, target.raw_id, R"("ok")"); });
  } else {
    return false;
  }
  return true;
}

void router::tell_registry_gone(const link_entry& entry) {
  const link_address link{home().index(), entry.key()};
  if (entry.serves) caf::anon_send(*environment_.registry, service_changed{link, {}});
  if (entry.as != link_entry::role::client) {
    caf::anon_send(*environment_.registry, node_link_changed{link, {}, false});
  }
}

void router::on_cancel(link_entry& entry, const proto::envelope& message) {
  // Read from the raw bytes, so that an id that no double holds still finds its call.
  proto::envelope members;
  std::vector<proto::envelope> none;
  if (message.params.empty() || message.params.front() != '{') return;
  proto::scan(message.params, {options().limits.depth, 1, false}, members, none);
  auto* c = members.id.empty() ? nullptr : calls_.find(entry.key(), members.id);
  if (c == nullptr) return;
  home().metrics().add(metric::cancelled);
  c->cancelled = true;
  cancel_call(*c, coro::cancel_reason::cancelled_by_caller, true);
  // A blocking handler cannot be interrupted: its caller is answered now, its late result is dropped. And a
  // call that waits to be tried again is nowhere.
  if (c->to == call::target::blocking || c->to == call::target::none) {
    answer_error(*c, make_error(error_code::request_cancelled, "cancelled by the caller"));
  }
}

void router::invoke(const local_method& local, link_entry& entry, const proto::envelope& message,
                    const answer_target& target, clock::time_point received, milliseconds deadline) {
  const method& m = *local.what;
  method_stats& stats = *local.stats;
  if (const auto* raw = std::get_if<raw_handler>(&m.handler)) {
    return invoke_raw(*raw, m.name, message, target, stats);
  }
  if (const auto* plain = std::get_if<plain_handler>(&m.handler)) {
    return invoke_plain(*plain, m.name, message, target, stats);
  }
  auto params = parse_value(message.params);
  if (!params) {
    answered_now(stats, params.error().code);
    return answer_error(target, params.error());
  }
  auto* c = open_call(entry, target, stats, received, deadline);
  if (c == nullptr) return;
  if (recorder_) take_trace(*c, m.name);
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
  if (running.load(std::memory_order_relaxed) >= static_cast<std::int64_t>(options().limits.blocking_calls)) {
    home().metrics().add(metric::limit_blocking);
    constexpr std::int64_t retry_after_ms = 100;
    return give_up(c, make_mesh_error(error_code::resource_exhausted,
                                      "too many blocking handlers are under way (limits.blocking_calls)",
                                      executed::no, options().id, retry_after_ms));
  }
  running.fetch_add(1, std::memory_order_relaxed);
  const auto home_router = caf::actor_cast<caf::strong_actor_ptr>(this);
  const auto body = [handler = &std::get<blocking_handler>(m.handler), name = m.name, key = c.key,
                     counter = environment_.blocking_calls, params = std::move(params), home_router] {
    auto done = make_actor_message<blocking_done>(key, name);
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
