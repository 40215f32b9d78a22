#include "weft/client.hpp"

#include <utility>

#include "actors/api/calls_from_outside.hpp"
#include "actors/api/runtime.hpp"
#include "actors/api/streams_from_outside.hpp"
#include "actors/router/router.hpp"

namespace weft {
namespace {

std::string joined(const addresses& nodes) {
  std::string text;
  for (const auto& each : nodes.list()) text += (text.empty() ? "" : ", ") + each;
  return text;
}

result<std::shared_ptr<detail::runtime>> connect_runtime(
    const addresses& nodes, const client_options& options,
    std::vector<std::shared_ptr<service_state>> services) {
  auto plan =
      detail::plan_uplink(nodes,
                          {.name = options.name,
                           .instance = options.instance,
                           .token = options.token,
                           .heartbeat = options.heartbeat,
                           .connect_timeout = options.connect_timeout,
                           .default_deadline = options.default_deadline,
                           .serves = options.serves},
                          std::move(services), options.log ? options.log : detail::default_log(false));
  if (!plan) return std::move(plan.error());
  auto started = detail::runtime::start(std::move(*plan));
  if (!started) return error(error_code::unavailable, "{}", started.error());
  const auto until = std::chrono::steady_clock::now() + options.connect_timeout;
  const auto failure = (*started)->monitor()->wait_first(until);
  if (!failure) return std::move(*started);
  const bool was_refused = failure->code != 0;
  auto refused = error::plain(
      was_refused ? failure->code : static_cast<int>(error_code::unavailable),
      was_refused ? "the node at " + failure->address + " refuses this client: " + failure->message
                  : "cannot connect to " + joined(nodes) + ": " + failure->message);
  refused.executed = executed::no;
  return refused;
}

}  // namespace

namespace detail {

void connected::spawn(task<void> background) const {
  launcher(runtime_->gate())(std::move(background));
}

std::shared_ptr<pending_state> connected::start_raw(std::string method, std::string raw_params,
                                                    call_options options) const {
  const auto& gate = runtime_->gate();
  return start_call(gate, gate->here().value_or(0),
                    {remote::anyone{}, std::move(method), std::move(raw_params), std::move(options)});
}

std::shared_ptr<stream_buffer> connected::open_stream(std::string method, std::string raw_params,
                                                      read_options options) const {
  const auto& gate = runtime_->gate();
  return weft::open_stream(gate, gate->here().value_or(0),
                           {remote::anyone{}, std::move(method), std::move(raw_params), std::move(options)});
}

}  // namespace detail

result<client> client::connect(const addresses& nodes, const client_options& options) {
  auto runtime = connect_runtime(nodes, options, {});
  if (!runtime) return std::move(runtime.error());
  return client(std::move(*runtime));
}

result<client> client::connect(const addresses& nodes, const client_options& options,
                               const service& methods) {
  auto runtime = connect_runtime(nodes, options, {methods.state()});
  if (!runtime) return std::move(runtime.error());
  return client(std::move(*runtime));
}

void client::notify_raw(std::string method, std::string raw_params) const {
  of()->gate()->post(0, [method = std::move(method), params = std::move(raw_params)](router* home) {
    if (const auto uplink = home->uplink()) home->own_calls().notify(*uplink, method, params);
  });
}

std::string client::node() const {
  return of()->monitor()->node();
}

bool client::is_connected() const {
  return of()->monitor()->is_up();
}

void client::close() const {
  of()->stop();
}

}  // namespace weft
