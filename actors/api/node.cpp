#include "weft/node.hpp"

#include <utility>

#include "actors/api/runtime.hpp"
#include "actors/transport/address.hpp"
#include "actors/transport/network.hpp"

namespace weft {

result<node> node::start(const options& how, const std::vector<service>& services) {
  detail::runtime::plan plan;
  auto listen = parse_host_port(how.listen);
  if (!listen) return error(error_code::invalid_params, "listen \"{}\": {}", how.listen, listen.error());
  if (auto complaint = check_node_name(how.id); !complaint.empty())
    return error(error_code::invalid_params, "id \"{}\": {}", how.id, complaint);
  plan.options.id = how.id;
  plan.options.listen = {{*std::move(listen)}};
  plan.options.mesh.peers = how.peers;
  plan.options.reactors = how.reactors;
  plan.options.drain_timeout = how.drain_timeout;
  plan.options.protocol.default_deadline = how.default_deadline;
  for (const auto& each : services) plan.services.push_back(each.state());
  plan.log = how.log ? how.log : detail::default_log(false);
  auto started = detail::runtime::start(std::move(plan));
  if (!started) return error(error_code::unavailable, "cannot start the node: {}", started.error());
  return node(std::move(*started));
}

const std::string& node::id() const noexcept {
  return of()->node().id();
}

std::string node::listen_address() const {
  return format_host_port(of()->node().listen_address());
}

bool node::drain() const {
  return of()->node().drain();
}

std::int64_t node::count(std::string_view metric_family) const {
  const auto snapshot = of()->node().metrics();
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < metric_count; ++i) {
    if (metric_table[i].family == metric_family) sum += snapshot.values[i];
  }
  return sum;
}

}  // namespace weft
