#include "actors/mesh_node_implementation.hpp"

namespace weft {
namespace {

constexpr milliseconds inspect_patience{1'000};
// How often a node that drains looks how far it is.
constexpr milliseconds drain_look{10};
// Nothing came for so long: whoever heeds `$/goaway` has stopped sending, and news have reached all nodes. In
// looks, not by the clock: a process that got no time for a while has requests waiting that it has not read.
constexpr int drain_quiet_looks = 20;
// For the last answers to leave and the other side to close.
constexpr milliseconds drain_linger{300};
// The same for streams that were ended because the time is over.
constexpr milliseconds drain_last_answers{100};

template <class T>
void tell(const caf::strong_actor_ptr& to, message_pointer<T> message) {
  if (to) to->enqueue(caf::mailbox_element_ptr(message.release()), nullptr);
}

void end_and_wait(caf::actor_system& system, const caf::strong_actor_ptr& actor) {
  if (!actor) return;
  const caf::scoped_actor self(system, true);
  const auto handle = caf::actor_cast<caf::actor>(actor);
  tell(actor, make_actor_message<close_message>());
  self->wait_for(handle);
}

}  // namespace

caf::actor_system_config mesh_node::implementation::scheduler_config(const node_options& options) {
  caf::actor_system_config config;
  // Work stealing polls with sleeps of 50 µs; sharing blocks on one queue.
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", options.limits.blocking_threads);
  return config;
}

std::expected<void, std::string> mesh_node::implementation::start() {
  std::vector<opened_source> sources;
  for (const auto& text : options.mesh.peers) {
    auto opened = open_source(text, options.mesh);
    if (!opened) return std::unexpected(std::move(opened.error()));
    sources.push_back(std::move(*opened));
  }
  std::optional<listening_socket> listener;
  if (!uplink_to) {
    auto opened = listening_socket::open(options.listen, options.tcp);
    if (!opened) return std::unexpected(opened.error());
    listener.emplace(std::move(*opened));
    listen = {options.listen.host, listener->port()};
    add_node_methods(services, options.id, counters, document);
  }
  document->store(std::make_shared<const std::string>(openrpc_document(services.list(), options.id).dump()));
  try {
    system.emplace(config);
    spawn_actors();
    if (uplink_to) {
      spawn_uplink();
    } else {
      spawn_peers(sources);
      spawn_acceptor(std::move(*listener));
    }
    start_threads();
  } catch (const std::system_error& e) {
    return std::unexpected(fmt::format("cannot start the reactors: {}", e.what()));
  }
  return {};
}

void mesh_node::implementation::spawn_peers(const std::vector<opened_source>& sources) {
  const peer_environment environment{&*system, &shards, &routers, registry_actor};
  auto handle = spawn_pinned<peer_manager>(*system, shards[0]->loop, environment, sources);
  supervise("peer manager", handle);
  peers = caf::actor_cast<caf::strong_actor_ptr>(handle);
  tell(peers, make_actor_message<start_message>());
}

void mesh_node::implementation::spawn_actors() {
  const auto count =
      options.reactors != 0 ? options.reactors : std::max(1U, std::thread::hardware_concurrency());
  for (std::size_t i = 0; i < count; ++i) {
    shards.push_back(std::make_unique<shard>(*system, i, options, counters, log));
  }
  last_reports.resize(count);
  router_environment environment;
  for (const auto* m : services.list()) {
    const auto ruled = number_for(options.limits.method_in_flight, m->name);
    const auto most = ruled != 0 ? ruled : m->max_in_flight;
    if (most != 0) admissions.emplace(m->name, std::make_shared<admission_state>(most));
  }
  environment.services = &services;
  environment.admissions = &admissions;
  environment.system = &*system;
  environment.routers = &routers;
  environment.reactors = shards.size();
  environment.registry = &registry_actor;
  environment.sinks = sinks;
  environment.has_uplink = uplink_to.has_value();
  environment.uplink_serves = uplink_to && uplink_to->serves;
  blocking = environment.blocking_calls;
  routers.reserve(count);
  for (auto& shard : shards) {
    auto handle = spawn_pinned<router>(*system, shard->loop, *shard, environment);
    supervise("router", handle);
    routers.push_back(caf::actor_cast<caf::strong_actor_ptr>(handle));
  }
  registry_actor = system->spawn<caf::detached>(registry, describe_node());
  supervise("registry", registry_actor);
  caf::anon_send(registry_actor, publish_now{});
}

void mesh_node::implementation::spawn_uplink() {
  auto handle = spawn_pinned<uplink>(*system, shards[0]->loop, *shards[0], *uplink_to, routers[0]);
  supervise("uplink", handle);
  // There are no peers to learn from: what is not here is nowhere.
  caf::anon_send(registry_actor, peers_listed{{}, true});
  uplink_actor = caf::actor_cast<caf::strong_actor_ptr>(handle);
  tell(uplink_actor, make_actor_message<start_message>());
}

void mesh_node::implementation::spawn_acceptor(listening_socket listener) {
  auto handle = spawn_pinned<acceptor>(*system, shards[0]->loop, *shards[0], listener.release(), routers);
  supervise("acceptor", handle);
  accepting = caf::actor_cast<caf::strong_actor_ptr>(handle);
  tell(accepting, make_actor_message<start_message>());
}

void mesh_node::implementation::start_threads() {
  for (auto& shard : shards) {
    threads.emplace_back([&loop = shard->loop, here = routers[shard->loop.index()]]() mutable {
      const running_loop running(std::move(here), loop);
      // Signals are the program's business, not a reactor's.
      sigset_t all;
      ::sigfillset(&all);
      ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
      ::pthread_setname_np(::pthread_self(), fmt::format("reactor-{}", loop.index()).c_str());
      loop.run();
    });
  }
}

// Nobody does the work of one that ends: better no node than half a one.
void mesh_node::implementation::supervise(const char* name, const caf::actor& actor) {
  actor->attach_functor([this, name](const caf::error& reason) {
    if (ending.load() || counters.draining.load()) return;
    counters.failed.store(true);
    log->critical("the {} has ended ({}): the node cannot go on", name, to_string(reason));
    if (on_failure) on_failure();
  });
}

registry_environment mesh_node::implementation::describe_node() {
  registry_environment about;
  about.node = options.id;
  about.routers = routers;
  about.limits = options.limits;
  about.balance = options.balance;
  about.document = document;
  about.log = log;
  about.counts = &registry_counts;
  about.own_document = openrpc_document(services.list(), options.id);
  for (const auto* m : services.list()) {
    if (is_reserved_method(m->name)) continue;
    served_method served{m->name, m->idempotent, 0, shared_json(m->params), shared_json(m->result)};
    if (const auto* s = m->streams()) {
      served.stream = true;
      served.resumable = s->resumable;
      served.item = shared_json(s->item);
      served.input = shared_json(s->input);
    }
    about.in_process.push_back(std::move(served));
  }
  return about;
}

std::optional<router_report> mesh_node::implementation::ask_now(std::size_t shard, bool connections) const {
  auto message = make_actor_message<inspect_message>(connections);
  auto answer = message->report.get_future();
  tell(routers[shard], std::move(message));
  if (answer.wait_for(inspect_patience) != std::future_status::ready) return std::nullopt;
  try {
    return answer.get();
  } catch (const std::future_error&) {
    // The router has ended and dropped the question.
    return std::nullopt;
  }
}

router_report mesh_node::implementation::ask(std::size_t shard, bool connections) const {
  auto report = ask_now(shard, connections);
  const std::lock_guard lock(reports_mutex);
  if (report) last_reports[shard] = std::move(*report);
  return last_reports[shard];
}

bool mesh_node::implementation::wait(milliseconds time) {
  std::unique_lock lock(abort_mutex);
  return !abort_signal.wait_for(lock, time, [this] { return aborted; });
}

// The other nodes go on calling what is served nowhere else until its services, told to go, are known
// elsewhere.
bool mesh_node::implementation::let_services_move(steady::time_point at_most) {
  bool moved = false;
  // One that does not answer in time knows of no move either.
  while (ask_registry<std::uint64_t>(served_only_here_query{}) != 0) {
    if (steady::now() >= at_most) return true;
    if (!wait(drain_look)) return false;
    moved = true;
  }
  return !moved || wait(drain_quiet_looks * drain_look);
}

std::optional<mesh_node::implementation::load> mesh_node::implementation::ask_load() const {
  load sum;
  for (std::size_t i = 0; i < routers.size(); ++i) {
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
  counters.draining.store(true);
  end_and_wait(*system, accepting);
  accepting.reset();
  // Who leaves looks for nobody any more.
  tell(peers, make_actor_message<drain_message>(options.drain_timeout, false));
  end_and_wait(*system, uplink_actor);
  uplink_actor.reset();
  for (const auto& router : routers)
    tell(router, make_actor_message<drain_message>(options.drain_timeout, false));
  if (!let_services_move(std::min(deadline, steady::now() + options.drain_handover))) return false;
  caf::anon_send(registry_actor, withdraw_all{});
  bool finished = false;
  std::int64_t last_request_ns = 0;
  for (int quiet = 0; !finished && steady::now() < deadline; ++quiet) {
    const auto now = ask_load();
    if (!now || now->last_request_ns != last_request_ns) quiet = 0;
    if (now) last_request_ns = now->last_request_ns;
    finished = now && now->in_flight == 0 && (now->introduced == 0 || quiet >= drain_quiet_looks);
    if (!finished && !wait(drain_look)) return false;
  }
  for (const auto& router : routers) tell(router, make_actor_message<drain_message>(milliseconds(0), true));
  const auto linger = steady::now() + drain_linger;
  // What was not finished has an answer, too.
  const auto last = finished ? deadline : steady::now() + drain_last_answers;
  for (;;) {
    std::size_t pending = 0;
    for (std::size_t i = 0; i < routers.size(); ++i) pending += ask(i, false).pending_output_bytes;
    const auto now = steady::now();
    if (counters.connections.load() == 0 || now >= last || (pending == 0 && now >= linger)) return finished;
    if (!wait(drain_look)) return false;
  }
}

void mesh_node::implementation::stop() {
  if (!system) return;
  ending.store(true);
  end_and_wait(*system, accepting);
  end_and_wait(*system, peers);
  end_and_wait(*system, uplink_actor);
  uplink_actor.reset();
  for (const auto& router : routers) end_and_wait(*system, router);
  if (registry_actor) caf::anon_send_exit(registry_actor, caf::exit_reason::user_shutdown);
  for (auto& shard : shards) shard->loop.stop();
  for (auto& thread : threads) thread.join();
  threads.clear();
  accepting.reset();
  peers.reset();
  routers.clear();
  registry_actor = nullptr;
  system.reset();
  shards.clear();
}

mesh_node::mesh_node(node_options options, service_host services, std::shared_ptr<spdlog::logger> log,
                     call_sinks sinks, std::optional<uplink_task> uplink)
    : impl_(std::make_unique<implementation>(std::move(options), std::move(services), std::move(log),
                                             std::move(sinks), std::move(uplink))) {}

mesh_node::~mesh_node() {
  stop();
}

std::expected<void, std::string> mesh_node::start() {
  return impl_->start();
}
const std::string& mesh_node::id() const noexcept {
  return impl_->options.id;
}
host_port mesh_node::listen_address() const {
  return impl_->listen;
}
const std::vector<caf::strong_actor_ptr>& mesh_node::routers() const noexcept {
  return impl_->routers;
}
bool mesh_node::drain() {
  return impl_->drain();
}
void mesh_node::stop() {
  impl_->stop();
}
void mesh_node::on_failure(std::function<void()> act) {
  impl_->on_failure = std::move(act);
}
std::string mesh_node::stalled() const {
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  constexpr seconds longest_turn{5};
  for (const auto& shard : impl_->shards) {
    const auto stalled = shard->loop.stalled_for(milliseconds(100));
    if (stalled < longest_turn) continue;
    return fmt::format("reactor {} has not turned its loop for {} s", shard->loop.index(),
                       duration_cast<seconds>(stalled).count());
  }
  return {};
}
std::int64_t mesh_node::blocking_calls() const {
  return impl_->blocking->load(std::memory_order_relaxed);
}

void mesh_node::abort_drain() {
  const std::lock_guard lock(impl_->abort_mutex);
  impl_->aborted = true;
  impl_->abort_signal.notify_all();
}

}  // namespace weft
