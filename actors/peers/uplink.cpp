#include "actors/peers/uplink.hpp"

#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "actors/coro/sleep.hpp"
#include "actors/messages/result.hpp"
#include "actors/transport/network.hpp"

namespace weft {
namespace {

/// A node that answers `connect` so will answer it so again: the token, the name or what is to be served is
/// wrong. The others are about how the node stands at the moment.
bool stays_refused(std::int32_t code) {
  switch (static_cast<error_code>(code)) {
    case error_code::invalid_request:
    case error_code::method_not_found:
    case error_code::invalid_params:
    case error_code::permission_denied:
    case error_code::unauthenticated:
      return true;
    default:
      return false;
  }
}

}  // namespace

uplink::uplink(caf::actor_config& config, reactor& home, reactor_resources& shared, uplink_task task,
               caf::strong_actor_ptr router)
    : dialler(config, home, shared, std::move(router), "uplink"), task_(std::move(task)) {}

uplink::~uplink() = default;

coro::task<void> uplink::run(uplink* self) {
  const auto count = self->task_.addresses.size();
  std::size_t failures = 0;
  std::size_t refusals = 0;
  for (std::size_t next = 0;; next = (next + 1) % count) {
    const auto address = self->task_.addresses[next];
    auto failure = co_await attempt(self, address);
    const bool was_up = self->up_since_.has_value();
    const bool lasted = self->note_down();
    if (was_up) self->task_.monitor->on_down(failure);
    failures = lasted ? 0 : failures + 1;
    refusals = !was_up && stays_refused(failure.code) ? refusals + 1 : 0;
    failure.address = format_host_port(address);
    if (self->task_.ends_when_refused && refusals >= count) {
      self->task_.monitor->on_refused(std::move(failure));
      co_return;
    }
    // After a connection that was in use, or while addresses are untried, the next attempt is made at once.
    const bool round_failed = !was_up && failures >= count;
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

void uplink::tell(const host_port& address, const std::string& error, std::chrono::milliseconds next) {
  const auto level = told_before(error) ? spdlog::level::debug : spdlog::level::warn;
  shared_.log->log(level, "node at {}: {}; next attempt in {} ms", format_host_port(address), error,
                   next.count());
}

coro::task<uplink_failure> uplink::attempt(uplink* self, host_port address) {
  auto candidates = co_await self->look_up(address);
  if (!candidates) co_return uplink_failure{0, std::move(candidates.error()), {}};
  uplink_failure failure{0, "the name has no address", {}};
  for (const auto& candidate : *candidates) {
    auto descriptor = co_await self->connect(candidate);
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
  if (!why) co_return uplink_failure{0, std::string(to_string(why.error())), {}};
  co_return std::move(*why);
}

void uplink::on_link_changed(const link_changed& message) {
  if (message.up) {
    note_up();
    told_.clear();
    shared_.log->info("connected to node {}", message.detail);
    return task_.monitor->on_up(message.detail);
  }
  if (down_ != nullptr) down_->set({message.code, message.detail, {}});
}

}  // namespace weft
