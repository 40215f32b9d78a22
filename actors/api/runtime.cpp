#include "actors/api/runtime.hpp"

#include <thread>
#include <utility>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "actors/transport/address.hpp"

namespace weft::detail {

runtime::runtime(plan how) : services_(std::move(how.services)) {
  service_host host;
  for (const auto& each : services_) each->add_to(host, gate_);
  if (how.uplink) monitor_ = how.uplink->monitor;
  node_ = std::make_shared<mesh_node>(std::move(how.options), std::move(host), std::move(how.log),
                                      call_sinks(), std::move(how.uplink));
}

std::expected<std::shared_ptr<runtime>, std::string> runtime::start(plan how) {
  std::shared_ptr<runtime> made(new runtime(std::move(how)));
  if (auto started = made->node_->start(); !started) return std::unexpected(std::move(started.error()));
  made->gate_->open(made->node_->routers());
  for (const auto& each : made->services_) each->open(launcher(made->gate_));
  return made;
}

runtime::~runtime() {
  stop();
}

void runtime::stop() {
  std::call_once(stopped_, [this] {
    const bool here = is_on_own_loop();
    for (const auto& each : services_) each->close();
    gate_->close();
    if (!here) return node_->stop();
    // A reactor cannot wait for its own end.
    std::thread([node = std::move(node_)] { node->stop(); }).detach();
  });
}

std::shared_ptr<spdlog::logger> default_log(bool tells_all) {
  auto log = std::make_shared<spdlog::logger>("weft", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  log->set_level(tells_all ? spdlog::level::info : spdlog::level::warn);
  return log;
}

result<runtime::plan> plan_uplink(const addresses& nodes, const introduction& who,
                                  std::vector<std::shared_ptr<service_state>> services,
                                  std::shared_ptr<spdlog::logger> log) {
  uplink_task task;
  for (const auto& text : nodes.list()) {
    auto address = parse_peer_address(text);
    if (!address) return error(error_code::invalid_params, "address \"{}\": {}", text, address.error());
    task.addresses.push_back(std::move(*address));
  }
  if (task.addresses.empty())
    return error(error_code::invalid_params, "there is no address to connect to; give HOST:PORT");
  nlohmann::json params = {{"name", who.name}, {"heartbeat_ms", who.heartbeat.count()}};
  if (!who.instance.empty()) params["instance"] = who.instance;
  if (!who.token.empty()) params["token"] = who.token;
  runtime::plan plan;
  auto& options = plan.options;
  options.id = who.name;
  options.reactors = 1;
  options.protocol.heartbeat_interval = who.heartbeat;
  options.protocol.default_deadline = who.default_deadline;
  options.mesh.connect_timeout = who.connect_timeout;
  // There is one connection, which everything comes over.
  options.limits.share_percent = 100;
  options.limits.in_flight_per_connection = options.limits.calls_per_reactor;
  params["limits"] = {{"frame_bytes", options.limits.frame_bytes}};
  if (services.empty()) options.limits.blocking_threads = 1;
  if (who.serves) {
    auto serves = nlohmann::json::array();
    for (const auto& each : services) {
      for (auto& row : each->declaration()) serves.push_back(std::move(row));
    }
    task.serves = !serves.empty();
    params["serves"] = std::move(serves);
  }
  task.raw_introduction = params.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  plan.services = std::move(services);
  plan.log = std::move(log);
  plan.uplink = std::move(task);
  return plan;
}

}  // namespace weft::detail
