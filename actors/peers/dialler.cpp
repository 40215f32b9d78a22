#include "actors/peers/dialler.hpp"

#include <random>
#include <utility>

#include <spdlog/spdlog.h>

namespace weft {

dialler::dialler(caf::actor_config& config, reactor& home, reactor_resources& shared,
                 caf::strong_actor_ptr router, std::string title)
    : pinned_actor(config, home),
      shared_(shared),
      router_(std::move(router)),
      backoff_(shared.options.mesh.reconnect_initial, shared.options.mesh.reconnect_max,
               std::random_device{}()),
      title_(std::move(title)),
      dialling_(home, shared.options) {}

void dialler::receive(actor_message& message) {
  switch (message.what()) {
    case actor_message::type::start:
      life_.emplace(home());
      tasks_.emplace(home(), [log = shared_.log, title = title_](const std::exception_ptr&) {
        log->error("{}: an exception left its coroutine; this is a bug of weft", title);
      });
      tasks_->spawn(live());
      return;
    case actor_message::type::address_resolved:
      return dialling_.on_resolved(static_cast<address_resolved&>(message));
    case actor_message::type::link_changed:
      return on_link_changed(static_cast<link_changed&>(message));
    case actor_message::type::retire:
      return retire();
    case actor_message::type::close:
      return terminate();
    default:
      return;
  }
}

void dialler::on_terminate() {
  tasks_.reset();
  life_.reset();
  dialling_.drop();
  router_.reset();
}

void dialler::on_exception(std::string_view what) noexcept {
  home().metrics().add(metric::actor_failures);
  shared_.log->error("{}: {}", title_, what);
}

coro::task<dialling::addresses> dialler::look_up(const host_port& address) {
  return dialling::look_up(&dialling_, &home_system(), caf::actor_cast<caf::strong_actor_ptr>(this), address,
                           *life_);
}

coro::task<std::expected<int, std::string>> dialler::connect(const sockaddr_storage& address) {
  return dialling::connect(&dialling_, address, *life_);
}

coro::task<std::expected<std::unique_ptr<tls::session>, std::string>> dialler::shake_hands(int descriptor,
                                                                                           tls::dialled to) {
  return dialling::shake_hands(&dialling_, descriptor, std::move(to), *life_);
}

bool dialler::note_down() {
  const auto since = std::exchange(up_since_, std::nullopt);
  const bool lasted = since && home().now() - *since >= shared_.options.mesh.reconnect_reset;
  if (lasted) backoff_.reset();
  return lasted;
}

bool dialler::told_before(const std::string& what) {
  return std::exchange(told_, what) == what;
}

}  // namespace weft
