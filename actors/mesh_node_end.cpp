// How a node ends: drained, or at once.
#include "actors/mesh_node_implementation.hpp"

namespace weft {
namespace {

// How often a node that drains looks how far it is.
constexpr milliseconds drain_look{10};
// Nothing came for so long: whoever heeds `$/goaway` has stopped sending, and news have reached all nodes. In
// looks, not by the clock: a process that got no time for a while has requests waiting that it has not read.
constexpr int drain_quiet_looks = 20;
// For the last answers to leave and the other side to close.
constexpr milliseconds drain_linger{300};
// The same for streams that were ended because the time is over.
constexpr milliseconds drain_last_answers{100};

void end_and_wait(caf::actor_system& system, const caf::strong_actor_ptr& actor) {
  if (!actor) return;
  const caf::scoped_actor self(system, true);
  const auto handle = caf::actor_cast<caf::actor>(actor);
  tell(actor, make_actor_message<close_message>());
  self->wait_for(handle);
}

}  // namespace

// The other nodes go on calling what is served nowhere else until its services, told to go, are known
// elsewhere.
bool mesh_node::implementation::let_services_move(steady::time_point at_most) {
  bool moved = false;
  // One that does not answer in time knows of no move either.
  while (ask_registry<std::uint64_t>(served_only_here_query{}) != 0) {
    if (steady::now() >= at_most) return true;
    if (!pause.wait_for(drain_look)) return false;
    moved = true;
  }
  return !moved || pause.wait_for(drain_quiet_looks * drain_look);
}

void mesh_node::implementation::stop_accepting() {
  for (const auto& each : run.accepting) end_and_wait(*run.system, each);
  run.accepting.clear();
}

std::optional<mesh_node::implementation::load> mesh_node::implementation::ask_load() const {
  load sum;
  for (std::size_t i = 0; i < run.routers.size(); ++i) {
    const auto report = ask_now(i, false);
    if (!report) return std::nullopt;
    sum.in_flight += report->in_flight;
    sum.introduced += report->introduced;
    sum.last_request_ns = std::max(sum.last_request_ns, report->last_request_ns);
  }
  return sum;
}

bool mesh_node::implementation::drain() {
  const auto deadline = steady::now() + options.drain_timeout;
  shared.counters.draining.store(true);
  stop_accepting();
  // Who leaves looks for nobody any more.
  tell(run.peers, make_actor_message<drain_message>(options.drain_timeout, false));
  end_and_wait(*run.system, run.uplink);
  run.uplink.reset();
  for (const auto& router : run.routers)
    tell(router, make_actor_message<drain_message>(options.drain_timeout, false));
  if (!let_services_move(std::min(deadline, steady::now() + options.drain_handover))) return false;
  caf::anon_send(run.registry, withdraw_all{});
  bool finished = false;
  std::int64_t last_request_ns = 0;
  for (int quiet = 0; !finished && steady::now() < deadline; ++quiet) {
    const auto now = ask_load();
    if (!now || now->last_request_ns != last_request_ns) quiet = 0;
    if (now) last_request_ns = now->last_request_ns;
    finished = now && now->in_flight == 0 && (now->introduced == 0 || quiet >= drain_quiet_looks);
    if (!finished && !pause.wait_for(drain_look)) return false;
  }
  for (const auto& router : run.routers)
    tell(router, make_actor_message<drain_message>(milliseconds(0), true));
  const auto linger = steady::now() + drain_linger;
  // What was not finished has an answer, too.
  const auto last = finished ? deadline : steady::now() + drain_last_answers;
  for (;;) {
    std::size_t pending = 0;
    for (std::size_t i = 0; i < run.routers.size(); ++i) pending += ask(i, false).pending_output_bytes;
    const auto now = steady::now();
    if (shared.counters.connections.load() == 0 || now >= last || (pending == 0 && now >= linger))
      return finished;
    if (!pause.wait_for(drain_look)) return false;
  }
}

void mesh_node::implementation::stop() {
  if (!run.system) return;
  failure.ending.store(true);
  stop_accepting();
  for (const auto& each : run.handshakers) end_and_wait(*run.system, each);
  end_and_wait(*run.system, run.peers);
  end_and_wait(*run.system, run.uplink);
  run.uplink.reset();
  for (const auto& router : run.routers) end_and_wait(*run.system, router);
  if (run.registry) caf::anon_send_exit(run.registry, caf::exit_reason::user_shutdown);
  for (auto& reactor : run.reactors) reactor->loop.stop();
  for (auto& thread : run.threads) thread.join();
  run.threads.clear();
  run.handshakers.clear();
  run.peers.reset();
  run.routers.clear();
  run.registry = nullptr;
  run.system.reset();
  run.reactors.clear();
}

}  // namespace weft
