#include "actors/peers/uplink.hpp"

#include <random>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "actors/coro/sleep.hpp"
#include "actors/transport/network.hpp"

namespace weft {

uplink::uplink(caf::actor_config& config, reactor& home, shard& shared, uplink_task task,
               caf::strong_actor_ptr router)
    : pinned_actor(config, home),
      shared_(shared),
      task_(std::move(task)),
      router_(std::move(router)),
      backoff_(shared.options.mesh.reconnect_initial, shared.options.mesh.reconnect_max,
               std::random_device{}()),
      dialling_(home, shared.options) {}

uplink::~uplink() = default;

void uplink::receive(actor_message& message) {
  switch (message.what()) {
    case actor_message::type::start:
      life_.emplace(home());
      tasks_.emplace(home(), [log = shared_.log](const std::exception_ptr&) {
        log->error("uplink: an exception left its coroutine; this is a bug of weft");
      });
      tasks_->spawn(run(this));
      return;
    case actor_message::type::address_resolved:
      return dialling_.on_resolved(static_cast<address_resolved&>(message));
    case actor_message::type::link_changed:
      return on_link_changed(static_cast<link_changed&>(message));
    case actor_message::type::close:
      return terminate();
    default:
      return;
  }
}

void uplink::on_terminate() {
  tasks_.reset();
  life_.reset();
  dialling_.drop();
  router_.reset();
}

void uplink::on_exception(std::string_view what) noexcept {
  home().metrics().add(metric::actor_failures);
  shared_.log->error("uplink: {}", what);
}

coro::task<void> uplink::run(uplink* self) {
  const auto count = self->task_.addresses.size();
  std::size_t failures = 0;
  for (std::size_t next = 0;; next = (next + 1) % count) {
    self->up_since_.reset();
    const auto address = self->task_.addresses[next];
    auto failure = co_await attempt(self, address);
    const auto since = self->up_since_;
    const bool lasted = since && self->home().now() - *since >= self->shared_.options.mesh.reconnect_reset;
    if (since) self->task_.monitor->on_down(failure);
    failures = lasted ? 0 : failures + 1;
    if (lasted) self->backoff_.reset();
    // One that was in use, or others that were not tried yet: another one at once.
    const bool round_failed = !since && failures >= count;
    if (round_failed) self->task_.monitor->on_round_failed(failure);
    if (count > 1 && (failures == 0 || failures % count != 0)) {
      self->tell(address, failure.message, std::chrono::milliseconds(0));
      continue;
    }
    const auto wait = self->backoff_.next();
    self->tell(address, failure.message, wait);
    if (!co_await coro::sleep_for(*self->life_, wait)) co_return;
  }
}

// What happens again and again is told once.
void uplink::tell(const host_port& address, const std::string& error, std::chrono::milliseconds next) {
  const bool again = std::exchange(told_, error) == error;
  shared_.log->log(again ? spdlog::level::debug : spdlog::level::warn,
                   "node at {}: {}; next attempt in {} ms", format_host_port(address), error, next.count());
}

coro::task<uplink_failure> uplink::attempt(uplink* self, host_port address) {
  auto candidates =
      co_await dialling::look_up(&self->dialling_, &self->home_system(),
                                 caf::actor_cast<caf::strong_actor_ptr>(self), address, *self->life_);
  if (!candidates) co_return uplink_failure{0, std::move(candidates.error())};
  uplink_failure failure{0, "the name has no address"};
  for (const auto& candidate : *candidates) {
    auto descriptor = co_await dialling::connect(&self->dialling_, candidate, *self->life_);
    if (descriptor) co_return co_await serve(self, *descriptor, candidate);
    failure.message = std::move(descriptor.error());
  }
  co_return failure;
}

coro::task<uplink_failure> uplink::serve(uplink* self, int descriptor, sockaddr_storage address) {
  coro::completion<uplink_failure> down;
  self->down_ = &down;
  self->shared_.counters.connections.fetch_add(1, std::memory_order_relaxed);
  self->send_to(self->router_,
                make_actor_message<adopt_uplink>(descriptor, address, self->task_.raw_introduction,
                                                 caf::actor_cast<caf::strong_actor_ptr>(self)));
  auto why = co_await down.wait(*self->life_);
  self->down_ = nullptr;
  if (!why) co_return uplink_failure{0, std::string(to_string(why.error()))};
  co_return std::move(*why);
}

void uplink::on_link_changed(const link_changed& message) {
  if (message.up) {
    up_since_ = home().now();
    told_.clear();
    shared_.log->info("connected to node {}", message.detail);
    return task_.monitor->on_up(message.detail);
  }
  if (down_ != nullptr) down_->set({message.code, message.detail});
}

}  // namespace weft
