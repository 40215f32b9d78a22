#include "actors/mesh_node_implementation.hpp"
#include "actors/tls/identity_files.hpp"

namespace weft {
namespace {

constexpr milliseconds inspect_timeout{1'000};

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
  std::vector<listening_socket> listeners;
  if (!uplink_to) {
    auto opened = listen_on_all();
    if (!opened) return std::unexpected(std::move(opened.error()));
    listeners = std::move(*opened);
    add_node_methods(services, options.id, shared.counters, shared.document);
  }
  shared.document->store(
      std::make_shared<const std::string>(openrpc_document(services.list(), options.id).dump()));
  try {
    run.system.emplace(config);
    spawn_actors();
    if (uplink_to) {
      spawn_uplink();
    } else {
      spawn_peers(sources);
      spawn_acceptors(std::move(listeners));
    }
    start_threads();
  } catch (const std::system_error& e) {
    return std::unexpected(fmt::format("cannot start the reactors: {}", e.what()));
  }
  return {};
}

void mesh_node::implementation::spawn_peers(const std::vector<opened_source>& sources) {
  const peer_environment environment{&*run.system, &run.reactors, &run.routers, run.registry};
  auto handle = spawn_pinned<peer_manager>(*run.system, run.reactors[0]->loop, environment, sources);
  supervise("peer manager", handle);
  run.peers = caf::actor_cast<caf::strong_actor_ptr>(handle);
  tell(run.peers, make_actor_message<start_message>());
}

void mesh_node::implementation::spawn_actors() {
  const auto count =
      options.reactors != 0 ? options.reactors : std::max(1U, std::thread::hardware_concurrency());
  for (std::size_t i = 0; i < count; ++i) {
    run.reactors.push_back(
        std::make_unique<reactor_resources>(*run.system, i, options, shared.counters, log));
  }
  reports.last.resize(count);
  router_environment environment;
  for (const auto* m : services.list()) {
    const auto ruled = number_for(options.limits.method_in_flight, m->name);
    const auto most = ruled != 0 ? ruled : m->max_in_flight;
    if (most != 0) shared.admissions.emplace(m->name, std::make_shared<admission_state>(most));
  }
  environment.services = &services;
  environment.admissions = &shared.admissions;
  environment.system = &*run.system;
  environment.routers = &run.routers;
  environment.reactors = run.reactors.size();
  environment.registry = &run.registry;
  environment.sinks = sinks;
  environment.has_uplink = uplink_to.has_value();
  environment.uplink_serves = uplink_to && uplink_to->serves;
  shared.blocking = environment.blocking_calls;
  run.routers.reserve(count);
  for (auto& reactor : run.reactors) {
    auto handle = spawn_pinned<router>(*run.system, reactor->loop, *reactor, environment);
    supervise("router", handle);
    run.routers.push_back(caf::actor_cast<caf::strong_actor_ptr>(handle));
  }
  run.registry = run.system->spawn<caf::detached>(registry, describe_node());
  supervise("registry", run.registry);
  caf::anon_send(run.registry, publish_now{});
}

void mesh_node::implementation::spawn_uplink() {
  auto handle =
      spawn_pinned<uplink>(*run.system, run.reactors[0]->loop, *run.reactors[0], *uplink_to, run.routers[0]);
  supervise("uplink", handle);
  // There are no peers to learn from: what is not here is nowhere.
  caf::anon_send(run.registry, peers_listed{{}, true});
  run.uplink = caf::actor_cast<caf::strong_actor_ptr>(handle);
  tell(run.uplink, make_actor_message<start_message>());
}

std::expected<std::vector<listening_socket>, std::string> mesh_node::implementation::listen_on_all() {
  std::vector<listening_socket> listeners;
  for (const auto& address : options.listen) {
    if (address.tls && (!options.tls.identity || !options.tls.identity->server()))
      return std::unexpected(
          fmt::format("{}: TLS needs a certificate and its key", format_net_address(address)));
    auto opened = listening_socket::open(address, options.tcp);
    if (!opened) return std::unexpected(std::move(opened.error()));
    listen.push_back({{address.at.host, opened->port()}, address.tls});
    listeners.push_back(std::move(*opened));
  }
  return listeners;
}

void mesh_node::implementation::spawn_acceptors(std::vector<listening_socket> listeners) {
  if (std::ranges::any_of(listeners, &listening_socket::tls)) {
    for (std::size_t i = 0; i < run.reactors.size(); ++i) {
      auto& where = *run.reactors[i];
      auto handle = spawn_pinned<handshaker>(*run.system, where.loop, where, run.routers[i]);
      supervise("handshaker", handle);
      run.handshakers.push_back(caf::actor_cast<caf::strong_actor_ptr>(handle));
    }
  }
  for (auto& listener : listeners) {
    const auto& takers = listener.tls() ? run.handshakers : run.routers;
    auto handle = spawn_pinned<acceptor>(*run.system, run.reactors[0]->loop, *run.reactors[0],
                                         std::move(listener), takers);
    supervise("acceptor", handle);
    run.accepting.push_back(caf::actor_cast<caf::strong_actor_ptr>(handle));
    tell(run.accepting.back(), make_actor_message<start_message>());
  }
}

void mesh_node::implementation::start_threads() {
  for (auto& reactor : run.reactors) {
    run.threads.emplace_back([&loop = reactor->loop, here = run.routers[reactor->loop.index()]]() mutable {
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
    if (failure.ending.load() || shared.counters.draining.load()) return;
    shared.counters.failed.store(true);
    log->critical("the {} has ended ({}): the node cannot go on", name, to_string(reason));
    if (failure.act) failure.act();
  });
}

registry_environment mesh_node::implementation::describe_node() {
  registry_environment about;
  about.node = options.id;
  about.routers = run.routers;
  about.limits = options.limits;
  about.balance = options.balance;
  about.document = shared.document;
  about.log = log;
  about.counts = &shared.registry_counts;
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

std::optional<router_report> mesh_node::implementation::ask_now(std::size_t reactor_index,
                                                                bool connections) const {
  auto message = make_actor_message<inspect_message>(connections);
  auto answer = message->report.get_future();
  tell(run.routers[reactor_index], std::move(message));
  if (answer.wait_for(inspect_timeout) != std::future_status::ready) return std::nullopt;
  try {
    return answer.get();
  } catch (const std::future_error&) {
    // The router has ended and dropped the question.
    return std::nullopt;
  }
}

router_report mesh_node::implementation::ask(std::size_t reactor_index, bool connections) {
  auto report = ask_now(reactor_index, connections);
  const std::lock_guard lock(reports.mutex);
  if (report) reports.last[reactor_index] = std::move(*report);
  return reports.last[reactor_index];
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
  return impl_->listen.empty() ? host_port() : impl_->listen.front().at;
}
const std::vector<net_address>& mesh_node::listen_addresses() const noexcept {
  return impl_->listen;
}
const std::vector<caf::strong_actor_ptr>& mesh_node::routers() const noexcept {
  return impl_->run.routers;
}
bool mesh_node::drain() {
  return impl_->drain();
}
void mesh_node::stop() {
  impl_->stop();
}
void mesh_node::change_access(const std::shared_ptr<const access_policy>& policy) {
  if (impl_->options.auth.policy == nullptr || policy == nullptr) return;
  for (const auto& each : impl_->run.routers) post(each, [policy](router* to) { to->change_access(policy); });
}
void mesh_node::change_peer_token(const std::string& token) {
  for (const auto& each : impl_->run.routers)
    post(each, [token](router* to) { to->change_peer_token(token); });
}
void mesh_node::on_failure(std::function<void()> act) {
  impl_->failure.act = std::move(act);
}
std::string mesh_node::stalled() const {
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  constexpr seconds longest_turn{5};
  for (const auto& reactor : impl_->run.reactors) {
    const auto stalled = reactor->loop.stalled_for(milliseconds(100));
    if (stalled < longest_turn) continue;
    return fmt::format("reactor {} has not turned its loop for {} s", reactor->loop.index(),
                       duration_cast<seconds>(stalled).count());
  }
  return {};
}
std::int64_t mesh_node::blocking_calls() const {
  return impl_->shared.blocking->load(std::memory_order_relaxed);
}

void mesh_node::abort_drain() {
  impl_->pause.interrupt();
}

}  // namespace weft
