#include "actors/coro/cancel_scope.hpp"

#include <algorithm>

namespace weft::coro {

std::string_view to_string(cancel_reason reason) noexcept {
  switch (reason) {
    case cancel_reason::cancelled_by_caller:
      return "cancelled by caller";
    case cancel_reason::deadline_exceeded:
      return "deadline exceeded";
    case cancel_reason::disconnected:
      return "disconnected";
    case cancel_reason::shutting_down:
      return "shutting down";
    case cancel_reason::superseded:
      return "superseded";
  }
  return "unknown reason";
}

cancel_scope::cancel_scope(executor& run, clock::time_point deadline)
    : state_(new state(run, deadline, nullptr)) {}

cancel_scope cancel_scope::child(clock::time_point deadline) const {
  auto* s = new state(state_->run, std::min(deadline, state_->deadline), state_);
  ++state_->handles;
  s->reason = state_->reason;
  if (!s->reason) state_->children.push_back(*s);
  return cancel_scope(s);
}

bool cancel_scope::attach(cancel_hook& hook) const {
  if (state_->current_reason()) return false;
  state_->hooks.push_back(hook);
  state_->watch_deadline();
  return true;
}

// A child's handle on its parent is released in a loop: a long chain must not become deep recursion.
void cancel_scope::destroy(state* s) noexcept {
  do {
    state* parent = s->parent;
    delete s;
    s = parent;
  } while (s != nullptr && --s->handles == 0);
}

void cancel_scope::state::mark(cancel_reason why) noexcept {
  // Whoever asked after the deadline was told so already; the answer must not change.
  reason = expired() ? cancel_reason::deadline_exceeded : why;
  run.disarm(*this);
}

void cancel_scope::state::cancel(cancel_reason why) {
  if (reason) return;
  // A state that dies in a callback leaves this list by itself.
  intrusive_list<state> subtree;
  unlink();
  subtree.push_back(*this);
  for (state* s = this; s != nullptr; s = subtree.after(*s)) {
    s->mark(why);
    subtree.splice_back(s->children);
  }
  while (state* s = subtree.pop_front()) {
    ++s->handles;
    const cancel_scope alive(s);
    while (cancel_hook* hook = s->hooks.pop_front()) hook->on_cancel(*s->reason);
  }
}

void cancel_scope::state::watch_deadline() {
  if (deadline_watched || deadline == clock::time_point::max()) return;
  deadline_watched = true;
  state* highest = this;
  while (highest->parent != nullptr && highest->parent->deadline == deadline) highest = highest->parent;
  if (!highest->armed()) run.arm(*highest, deadline);
}

}  // namespace weft::coro
