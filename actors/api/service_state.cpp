#include "actors/api/service_state.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "actors/api/calls_from_outside.hpp"
#include "actors/api/errors.hpp"
#include "actors/methods/method_pattern.hpp"
#include "actors/router/router.hpp"

namespace weft {
namespace {

using entry_pointer = std::shared_ptr<const detail::method_entry>;

json_result to_json_result(detail::method_outcome outcome) {
  if (!outcome) return std::unexpected(to_rpc_error(std::move(outcome.error())));
  return std::move(*outcome);
}

coro::task<json_result> run_method(entry_pointer entry, std::shared_ptr<loop_gate> gate,
                                   weft::handler_context ctx, nlohmann::json params) {
  call_context told(surroundings_of(std::move(ctx), std::move(gate)));
  co_return to_json_result(co_await entry->coroutine(std::move(told), std::move(params)));
}

/// Steps the generator of a method, in the place of whoever drives the stream.
item_generator run_stream(entry_pointer entry, std::shared_ptr<loop_gate> gate, weft::handler_context ctx,
                          stream_call call) {
  call_context told(surroundings_of(std::move(ctx), std::move(gate), std::move(call.raw_after)));
  auto source = entry->stream->start(std::move(told), call.params);
  if (!source) throw stream_raised(to_rpc_error(std::move(source.error())));
  auto& items = **source;
  std::optional<error> refused;
  try {
    auto item = co_await items.next();
    while (item) {
      std::exception_ptr raised;
      bool closed = false;
      try {
        const auto sent = co_yield stream_item{std::move(item->value), std::move(item->cursor)};
        if (sent) refused = items.receive(*sent);
      } catch (const stream_raised& by_caller) {
        raised = std::make_exception_ptr(stream_error(to_error(by_caller.error)));
      } catch (const coro::generator_exit&) {
        closed = true;
      }
      if (closed || refused) {
        co_await items.close();
        break;
      }
      if (raised) {
        item = co_await items.raise(std::move(raised));
      } else {
        item = co_await items.next();
      }
    }
  } catch (const stream_error& ended) {
    refused = ended.error;
  }
  if (refused) throw stream_raised(to_rpc_error(std::move(*refused)));
}

method handled(const entry_pointer& entry, const std::shared_ptr<loop_gate>& gate) {
  method made{.name = entry->name,
              .handler = plain_handler(),
              .summary = entry->summary,
              .idempotent = entry->idempotent,
              .max_in_flight = entry->max_in_flight,
              .params = entry->params,
              .result = entry->result};
  const auto plain = [entry](const nlohmann::json& params) { return to_json_result(entry->plain(params)); };
  if (entry->stream) {
    made.handler = stream_handler{.run =
                                      [entry, gate](weft::handler_context ctx, stream_call call) {
                                        return run_stream(entry, gate, std::move(ctx), std::move(call));
                                      },
                                  .takes_input = !entry->stream->input.is_null(),
                                  .resumable = entry->stream->resumable,
                                  .item = entry->stream->item,
                                  .input = entry->stream->input};
  } else if (entry->coroutine) {
    made.handler = coroutine_handler([entry, gate](weft::handler_context ctx, nlohmann::json params) {
      return run_method(entry, gate, std::move(ctx), std::move(params));
    });
  } else if (entry->blocking) {
    made.handler = blocking_handler{plain};
  } else {
    made.handler = plain_handler(plain);
  }
  return made;
}

}  // namespace

void service_state::add(detail::method_entry entry) {
  if (entry.name.empty() || is_reserved_method(entry.name)) {
    throw std::invalid_argument(
        fmt::format("method '{}': a service's method has a name, and rpc.*, mesh.*, $/…, connect and "
                    "heartbeat are weft's",
                    entry.name));
  }
  if (std::ranges::any_of(methods_, [&](const auto& other) { return other->name == entry.name; }))
    throw std::invalid_argument(fmt::format("method '{}' is registered twice", entry.name));
  if (entry.blocking && (entry.coroutine || entry.stream)) {
    throw std::invalid_argument(fmt::format(
        "method '{}': .blocking is for functions that are neither coroutines nor generators, and take no "
        "call_context",
        entry.name));
  }
  methods_.push_back(std::make_shared<const detail::method_entry>(std::move(entry)));
}

void service_state::add_to(service_host& host, const std::shared_ptr<loop_gate>& gate) const {
  for (const auto& entry : methods_) host.add(handled(entry, gate));
}

nlohmann::json service_state::declaration() const {
  auto list = nlohmann::json::array();
  for (const auto& entry : methods_) {
    nlohmann::json row = {{"method", entry->name},
                          {"idempotent", entry->idempotent},
                          {"params", entry->params},
                          {"result", entry->result}};
    if (const auto& stream = entry->stream) {
      row["stream"] = true;
      row["item"] = stream->item;
      if (!stream->input.is_null()) row["input"] = stream->input;
      if (stream->resumable) row["resumable"] = true;
    }
    if (entry->max_in_flight != 0) row["max_in_flight"] = entry->max_in_flight;
    list.push_back(std::move(row));
  }
  return list;
}

void service_state::spawn(coro::task<void> background) {
  std::function<void(coro::task<void>)> launch;
  {
    const std::lock_guard lock(mutex_);
    launch = launch_;
    if (!launch) return waiting_.push_back(std::move(background));
  }
  // A task may spawn others before it waits for anything.
  launch(std::move(background));
}

void service_state::open(const std::function<void(coro::task<void>)>& launch) {
  std::vector<coro::task<void>> waited;
  {
    const std::lock_guard lock(mutex_);
    launch_ = launch;
    waited.swap(waiting_);
  }
  for (auto& each : waited) launch(std::move(each));
}

void service_state::close() {
  const std::lock_guard lock(mutex_);
  launch_ = nullptr;
}

std::function<void(coro::task<void>)> launcher(std::shared_ptr<loop_gate> gate) {
  return [gate = std::move(gate)](coro::task<void> background) {
    gate->post(gate->here().value_or(0), [work = std::move(background)](router* home) mutable {
      home->spawn(guarded(home, std::move(work)));
    });
  };
}

service::service(std::string name) : state_(std::make_shared<service_state>(std::move(name))) {}

void service::add(detail::method_entry entry) {
  state_->add(std::move(entry));
}

void service::spawn(task<void> background) {
  state_->spawn(std::move(background));
}

const std::string& service::name() const noexcept {
  return state_->name();
}

void service::throw_failure(const error& failure) {
  throw std::runtime_error(fmt::format("{}", failure));
}

}  // namespace weft
