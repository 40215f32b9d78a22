#include "actors/admission/waiting_room.hpp"

#include <utility>

namespace weft {

std::size_t waiting_room::length(const admission_state& of) const {
  const auto found = queues_.find(&of);
  return found == queues_.end() ? 0 : found->second.calls.size();
}

void waiting_room::push(waiting_call& c, const permits& of, clock::time_point now) {
  const auto [found, first] = queues_.try_emplace(of.get(), of, admission_queue(now));
  found->second.calls.push(c, now);
  of->add_waiting(reactor_index_);
  // Another reactor may have freed a permit just before it could see that someone waits here.
  if (first && count_ > 1) freed(of);
}

std::chrono::nanoseconds waiting_room::remove(waiting_call& c, const permits& of, clock::time_point now) {
  const auto found = queues_.find(of.get());
  found->second.calls.remove(c, now);
  const bool last = found->second.calls.empty();
  if (last) queues_.erase(found);
  of->remove_waiting(reactor_index_, last);
  return now - c.queued_at;
}

void waiting_room::freed(permits of) {
  if (freed_.empty() || freed_.back() != of) freed_.push_back(std::move(of));
}

waiting_room::offer waiting_room::next_offer() {
  auto of = std::move(freed_.back());
  freed_.pop_back();
  const auto reactor_index = of->next_waiting(reactor_index_, count_);
  return {std::move(of), reactor_index};
}

void waiting_room::offer_all() {
  for (const auto& [state, queue] : queues_) freed(queue.of);
}

waiting_call* waiting_room::first(const admission_state& of) const {
  const auto found = queues_.find(&of);
  return found == queues_.end() ? nullptr : found->second.calls.first();
}

bool waiting_room::is_late(const waiting_call& c, const admission_state& of, clock::time_point now) const {
  const auto found = queues_.find(&of);
  return found != queues_.end() && now - c.queued_at > found->second.calls.timeout(limits_, now);
}

}  // namespace weft
