#include "actors/peers/peer.hpp"

#include <algorithm>
#include <array>

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "actors/coro/sleep.hpp"
#include "actors/transport/network.hpp"

namespace weft {

using state = peer_status::state;

namespace {

/// Who answers so is no node, at each attempt.
constexpr std::array foreign_ends = {close_reason::speaks_http, close_reason::speaks_tls,
                                     close_reason::speaks_ssh, close_reason::speaks_something_else};

}  // namespace

peer::peer(caf::actor_config& config, reactor& home, reactor_resources& shared, peer_task task,
           caf::strong_actor_ptr router, caf::actor registry, caf::strong_actor_ptr manager)
    : dialler(config, home, shared, std::move(router), "peer " + task.label),
      task_(std::move(task)),
      registry_(std::move(registry)),
      manager_(std::move(manager)) {
  status_.key = task_.key;
}

peer::~peer() = default;

coro::task<void> peer::live() {
  home().metrics().add(metric::actors_peer);
  return run(this);
}

void peer::on_terminate() {
  dialler::on_terminate();
  home().metrics().add(metric::actors_peer, -1);
  caf::anon_send(registry_, peer_gone{task_.key});
  send_to(manager_, make_actor_message<peer_ended>(task_.key));
  manager_.reset();
}

std::string peer::described() const {
  const auto address = format_net_address({task_.address, task_.tls()});
  return task_.label == format_host_port(task_.address) ? address : task_.label + " (" + address + ")";
}

void peer::retire() {
  retiring_ = true;
  if (link_down_ == nullptr) return terminate();
  report(state::draining);
  send_to(router_, make_actor_message<retire_link>(caf::actor_cast<caf::strong_actor_ptr>(this),
                                                   shared_.options.drain_timeout));
}

bool peer::is_self(const sockaddr_storage& address) const {
  return std::ranges::find(own_, format_address(address)) != own_.end();
}

void peer::report(state now) {
  // Trying again does not end a conflict.
  const bool tries = now == state::resolving || now == state::connecting || now == state::introducing;
  if (tries && status_.is == state::conflict) return;
  status_.is = now;
  status_.since = std::chrono::system_clock::now();
  caf::anon_send(registry_, status_);
}

coro::task<void> peer::run(peer* self) {
  for (;;) {
    ++self->status_.attempts;
    self->report(state::resolving);
    auto addresses = co_await self->look_up(self->task_.address);
    const bool found = addresses && !addresses->empty();
    const auto is_self = [self](const sockaddr_storage& address) { return self->is_self(address); };
    if (found && std::ranges::all_of(*addresses, is_self)) {
      self->report(state::self);
      // A name may mean another node the next time; a number is this node for as long as it is listed.
      const auto wait = numeric_address(self->task_.address).empty()
                            ? self->shared_.options.mesh.reconnect_max
                            : coro::clock::duration::max();
      if (!co_await coro::sleep_for(*self->life_, wait)) co_return;
      continue;
    }
    auto error = std::string("the name has no address");
    if (!addresses)
      error = addresses.error();
    else if (found)
      error = co_await dial(self, std::move(*addresses));
    if (self->retiring_) {
      self->send_to(caf::actor_cast<caf::strong_actor_ptr>(self), make_actor_message<close_message>());
      co_return;
    }
    if (self->is_self(self->dialled_)) continue;
    self->status_.last_error = error;
    self->status_.node.clear();
    self->report(std::exchange(self->conflict_, false) ? state::conflict : state::backing_off);
    const auto wait = self->backoff_.next();
    self->tell(error, wait);
    if (!co_await coro::sleep_for(*self->life_, wait)) co_return;
  }
}

void peer::tell(const std::string& error, std::chrono::milliseconds next) {
  const bool foreign = std::ranges::any_of(foreign_ends, [&](auto each) { return error == to_string(each); });
  const bool again = foreign ? std::exchange(foreign_told_, true) : told_before(error);
  const bool wrong = foreign || status_.is == state::conflict;
  const auto level = again ? spdlog::level::debug : wrong ? spdlog::level::warn : spdlog::level::info;
  shared_.log->log(level, "peer {}: {}; next attempt in {} ms", described(), error, next.count());
}

coro::task<std::string> peer::dial(peer* self, std::vector<sockaddr_storage> candidates) {
  std::string error;
  self->dialled_ = {};
  for (const auto& address : candidates) {
    if (self->is_self(address)) continue;
    self->report(state::connecting);
    auto descriptor = co_await self->connect(address);
    if (descriptor && self->task_.tls()) co_return co_await secure(self, *descriptor, address);
    if (descriptor) co_return co_await serve(self, *descriptor, address, nullptr);
    error = std::move(descriptor.error());
  }
  co_return error;
}

coro::task<std::string> peer::secure(peer* self, int descriptor, sockaddr_storage address) {
  const auto& options = self->shared_.options.tls;
  if (!options.identity) {
    ::close(descriptor);
    co_return "this node has no options of TLS; name with tls.ca whom it trusts, with tls.cert what it shows";
  }
  self->dialled_ = address;
  auto session = co_await self->shake_hands(descriptor, {.server_name = self->task_.server_name,
                                                         .destination = format_host_port(self->task_.address),
                                                         .demanded = options.node_names,
                                                         .check_server_name = options.check_peer_names});
  if (!session) co_return std::move(session.error());
  co_return co_await serve(self, descriptor, address, std::move(*session));
}

coro::task<std::string> peer::serve(peer* self, int descriptor, sockaddr_storage address,
                                    std::unique_ptr<tls::session> session) {
  coro::completion<std::string> down;
  self->link_down_ = &down;
  self->dialled_ = address;
  self->report(state::introducing);
  self->shared_.counters.connections.fetch_add(1, std::memory_order_relaxed);
  self->send_to(self->router_,
                make_actor_message<adopt_link>(descriptor, address, std::move(session), self->task_.label,
                                               caf::actor_cast<caf::strong_actor_ptr>(self)));
  auto why = co_await down.wait(*self->life_);
  self->link_down_ = nullptr;
  co_return why ? std::move(*why) : std::string(to_string(why.error()));
}

void peer::on_link_changed(const link_changed& message) {
  if (!message.up) {
    conflict_ = message.conflict;
    note_down();
    if (link_down_ != nullptr) link_down_->set(message.detail);
    return;
  }
  note_up();
  told_.clear();
  foreign_told_ = false;
  status_.node = message.detail;
  if (message.self) {
    own_.push_back(format_address(dialled_));
    shared_.log->info("peer {} is this node itself; another one needs an id of its own (--id)", described());
    return send_to(router_, make_actor_message<retire_link>(caf::actor_cast<caf::strong_actor_ptr>(this),
                                                            milliseconds(0)));
  }
  if (retiring_) return;
  status_.link = {home().index(), message.key};
  status_.last_error.clear();
  shared_.log->info("peer {} is up, node {}", described(), message.detail);
  report(state::up);
}

}  // namespace weft
