// Calls that wait for room: behind the limit of a method, or of all its instances.
#include <algorithm>

#include <fmt/format.h>

#include "actors/router/router.hpp"
#include "proto/message.hpp"

namespace weft {

using std::chrono::milliseconds;

bool router::waits_for_room(const admission_state& admission) const {
  return queues_.contains(&admission);
}

void router::enter(call& c, const std::shared_ptr<admission_state>& admission) {
  admission->enter();
  c.admission = admission;
}

void router::leave(call& c) {
  if (!c.admission || c.paused == call::pause::queue) return;
  c.admission->leave();
  room_came_up(std::move(c.admission));
  c.admission = nullptr;
}

void router::room_came_up(std::shared_ptr<admission_state> admission) {
  if (freed_.empty() || freed_.back() != admission) freed_.push_back(std::move(admission));
}

void router::wait_for_room(call& c, const std::shared_ptr<admission_state>& admission) {
  const auto& limits = options().limits;
  const auto now = home().now();
  const auto found = queues_.find(admission.get());
  if ((found == queues_.end() ? 0 : found->second.size()) >= limits.queue_length) {
    home().metrics().add(metric::limit_queue_length);
    return refuse(c, fmt::format("{} calls of '{}' wait for room already (limits.queue_length)",
                                 limits.queue_length, c.method));
  }
  auto* caller = c.from == call::origin::connection ? find(c.caller) : nullptr;
  const auto share = share_of(limits.queue_length, limits.share_percent, 1);
  if (caller != nullptr && caller->waiting_count >= share) {
    home().metrics().add(metric::limit_queue_length);
    return refuse(
        c, fmt::format("{} calls of this connection wait for room already, its share (limits.share_percent "
                       "of limits.queue_length)",
                       share));
  }
  if (caller != nullptr) ++caller->waiting_count;
  const bool first = found == queues_.end();
  auto& queue = first ? queues_.emplace(admission.get(), admission_queue(now)).first->second : found->second;
  queue.push(c, now);
  c.admission = admission;
  c.paused = call::pause::queue;
  admission->add_waiting(home().index());
  home().metrics().add(metric::queued);
  home().metrics().add(metric::queue_length);
  home().arm(c, std::min(c.deadline, now + limits.queue_interval));
  // Another reactor may have freed room just before it could see that someone waits here.
  if (first && environment_.routers->size() > 1) room_came_up(admission);
}

void router::stop_waiting(call& c) {
  const auto now = home().now();
  const auto found = queues_.find(c.admission.get());
  found->second.remove(c, now);
  const bool last = found->second.empty();
  if (last) queues_.erase(found);
  if (auto* caller = c.from == call::origin::connection ? find(c.caller) : nullptr) --caller->waiting_count;
  c.admission->remove_waiting(home().index(), last);
  c.admission = nullptr;
  c.paused = call::pause::none;
  home().metrics().add(metric::queue_length, -1);
  home().metrics().add(metric::queue_wait_ns, (now - c.queued_at).count());
}

void router::waited_too_long(call& c) {
  const auto waited = std::chrono::floor<milliseconds>(home().now() - c.queued_at);
  stop_waiting(c);
  home().metrics().add(metric::limit_queue_wait);
  refuse(c, fmt::format("waited {} ms for room to call '{}' (limits.queue_interval, limits.queue_target)",
                        waited.count(), c.method));
}

void router::refuse(call& c, std::string why) {
  // An earlier attempt may have run, whatever becomes of this one.
  const auto ran = c.may_have_run ? executed::unknown : executed::no;
  give_up(c, make_mesh_error(error_code::resource_exhausted, std::move(why), ran, options().id,
                             options().limits.queue_interval.count()));
}

void router::offer_room() {
  while (!freed_.empty()) {
    const auto admission = std::move(freed_.back());
    freed_.pop_back();
    const auto next = admission->next_waiting(home().index(), environment_.routers->size());
    if (next == home().index()) {
      admit_waiting(admission);
    } else if (next < environment_.routers->size()) {
      // In turn, or the reactor that frees the most would serve only its own callers.
      send_to((*environment_.routers)[next], make_actor_message<room_message>(admission));
    }
  }
}

void router::on_room(const room_message& message) {
  admit_waiting(message.admission);
  if (!waits_for_room(*message.admission) && !message.admission->full()) room_came_up(message.admission);
}

void router::admit_waiting(const std::shared_ptr<admission_state>& admission) {
  for (;;) {
    const auto found = queues_.find(admission.get());
    if (found == queues_.end()) return;
    call& c = *static_cast<call*>(found->second.first());
    const auto now = home().now();
    if (now - c.queued_at > found->second.patience(options().limits, now)) {
      waited_too_long(c);
    } else if (admission->full() || !admit(c, admission)) {
      return;
    }
  }
}

bool router::admit(call& c, const std::shared_ptr<admission_state>& admission) {
  const endpoint* e = nullptr;
  if (c.local == nullptr) {
    const auto* serving = routes_->find(c.method);
    e = serving == nullptr ? nullptr : choose(*serving, &c, c.route_key, c.local_only);
    if (e == nullptr && serving != nullptr && any_usable(*serving, c.local_only)) return false;
  }
  stop_waiting(c);
  rearm_deadline(c);
  if (c.local != nullptr) {
    enter(c, admission);
    start_held(c);
  } else if (e != nullptr) {
    enter(c, admission);
    send_attempt(c, *e);
  } else {
    // Its instances went away while it waited: say so.
    dispatch(c);
  }
  return true;
}

void router::start_held(call& c) {
  proto::envelope message;
  proto::scan(c.request, {options().limits.depth, 1, false}, message, shared_.scan_batch);
  auto params = parse_value(message.params);
  // It could be parsed when the call came.
  start(c, *c.local->what, std::move(*params), message);
}

bool router::hold(call& c) {
  return hold(c, c.request.size());
}

bool router::hold(call& c, std::size_t bytes) {
  const auto& limits = options().limits;
  auto* caller = c.from == call::origin::connection ? find(c.caller) : nullptr;
  const auto share = share_of(limits.held_request_bytes, limits.share_percent, link_frame_bytes(limits));
  const bool over_share = caller != nullptr && caller->held_bytes + bytes > share;
  if (over_share || held_bytes_ + bytes > limits.held_request_bytes) {
    home().metrics().add(metric::limit_held_bytes);
    refuse(c, over_share
                  ? fmt::format(
                        "this connection's requests under way would take more than its share of {} bytes "
                        "(limits.share_percent of limits.held_request_bytes)",
                        share)
                  : fmt::format("requests of {} bytes are under way, the limit (limits.held_request_bytes)",
                                limits.held_request_bytes));
    return false;
  }
  home().metrics().add(metric::held_request_bytes, static_cast<std::int64_t>(bytes));
  c.held_bytes += bytes;
  held_bytes_ += bytes;
  if (caller != nullptr) caller->held_bytes += bytes;
  return true;
}

void router::let_go(call& c) {
  if (c.held_bytes == 0) return;
  const auto bytes = std::exchange(c.held_bytes, 0);
  home().metrics().add(metric::held_request_bytes, -static_cast<std::int64_t>(bytes));
  held_bytes_ -= bytes;
  if (auto* caller = c.from == call::origin::connection ? find(c.caller) : nullptr)
    caller->held_bytes -= bytes;
}

}  // namespace weft
