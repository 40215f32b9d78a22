#include "actors/router/permits.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace weft {

std::optional<std::string> permits::wait(call& c, const limit& of) {
  const auto& limits = site_.options.limits;
  if (waiting_.length(*of) >= limits.queue_length) {
    site_.metrics().add(metric::limit_queue_length);
    return fmt::format("{} calls of '{}' wait for room already (limits.queue_length)", limits.queue_length,
                       c.asked.method);
  }
  auto* charged = c.caller.charged;
  const auto share = share_of(limits.queue_length, limits.share_percent, 1);
  if (charged != nullptr && charged->waiting >= share) {
    site_.metrics().add(metric::limit_queue_length);
    return fmt::format(
        "{} calls of {} wait for room already, its share (limits.share_percent of limits.queue_length)",
        share, connections_.holder_of(c.caller.key));
  }
  if (charged != nullptr) ++charged->waiting;
  const auto now = site_.now();
  waiting_.push(c, of, now);
  c.waits_for = of;
  c.paused = call::pause::queue;
  site_.metrics().add(metric::queued);
  site_.metrics().add(metric::queue_length);
  site_.home.arm(c, std::min(c.asked.deadline, now + limits.queue_interval));
  return std::nullopt;
}

void permits::stop_waiting(call& c) {
  const auto waited = waiting_.remove(c, c.waits_for, site_.now());
  if (c.caller.charged != nullptr) --c.caller.charged->waiting;
  c.waits_for = nullptr;
  c.paused = call::pause::none;
  site_.metrics().add(metric::queue_length, -1);
  site_.metrics().add(metric::queue_wait_ns, waited.count());
}

}  // namespace weft
