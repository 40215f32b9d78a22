#include "actors/runtime/pinned_actor.hpp"

#include <utility>

#include <caf/exit_reason.hpp>
#include <caf/system_messages.hpp>

namespace weft {

pinned_actor::pinned_actor(caf::actor_config& config, reactor& home)
    : caf::local_actor(config), home_(home) {}

pinned_actor::~pinned_actor() {
  drop_local();
}

void pinned_actor::drop_local() noexcept {
  while (local_first_ != nullptr) {
    const caf::mailbox_element_ptr dropped(local_first_);
    local_first_ = static_cast<caf::mailbox_element*>(dropped->next);
  }
  local_last_ = nullptr;
}

void pinned_actor::enqueue(caf::mailbox_element_ptr element, caf::execution_unit*) {
  if (!home_.on_this_thread()) {
    if (inbox_.push_front(std::move(element)) != caf::intrusive::inbox_result::unblocked_reader) return;
  } else {
    if (inbox_.closed()) return;
    auto* added = element.release();
    added->next = nullptr;
    if (local_last_ == nullptr)
      local_first_ = added;
    else
      local_last_->next = added;
    local_last_ = added;
    if (std::exchange(local_scheduled_, true)) return;
  }
  intrusive_ptr_add_ref_impl();
  home_.exec_later(this);
}

void pinned_actor::launch(caf::execution_unit*, bool lazy, bool hide) {
  if (!hide) register_at_system();
  if (lazy && inbox_.try_block()) return;
  intrusive_ptr_add_ref_impl();
  home_.exec_later(this);
}

void pinned_actor::intrusive_ptr_add_ref_impl() {
  intrusive_ptr_add_ref(ctrl());
}
void pinned_actor::intrusive_ptr_release_impl() {
  intrusive_ptr_release(ctrl());
}

pinned_actor::resume_result pinned_actor::resume(caf::execution_unit* host, std::size_t) {
  context(host);
  if (inbox_.closed()) return done;
  local_scheduled_ = false;
  if (deliver_all()) guarded([this] { end_of_turn(); });
  if (terminated_) {
    finish();
    return done;
  }
  // What has come meanwhile, from a thread that may go on sending, waits for those that this turn has told
  // something: else it would be decided without what they then know.
  const bool more = local_first_ != nullptr || (!inbox_.blocked() && !inbox_.try_block());
  if (!more) return awaiting_message;
  local_scheduled_ = true;
  return resume_later;
}

bool pinned_actor::deliver_all() {
  if (local_first_ != nullptr) {
    local_last_ = nullptr;
    deliver(std::exchange(local_first_, nullptr));
    return true;
  }
  // Scheduled twice, once from here and once from another thread, it may find nothing.
  if (inbox_.blocked()) return false;
  caf::mailbox_element* head = inbox_.take_head();
  if (head == nullptr) return false;
  // The inbox is a stack: turn it round to deliver in the order of arrival.
  caf::mailbox_element* first = nullptr;
  while (head != nullptr) {
    auto* next = static_cast<caf::mailbox_element*>(head->next);
    head->next = first;
    first = head;
    head = next;
  }
  deliver(first);
  return true;
}

void pinned_actor::deliver(caf::mailbox_element* first) {
  std::int64_t count = 0;
  while (first != nullptr) {
    auto* next = static_cast<caf::mailbox_element*>(first->next);
    const caf::mailbox_element_ptr element(first);
    first = next;
    ++count;
    if (terminated_) continue;
    if (auto* message = actor_message::from(*element)) {
      guarded([&] { receive(*message); });
    } else if (element->content().match_elements<caf::exit_msg>()) {
      terminate();
    }
  }
  messages_in_turn_ = count;
  home_.metrics().add(metric::actor_messages, count);
}

void pinned_actor::on_exception(std::string_view) noexcept {
  home_.metrics().add(metric::actor_failures);
  terminate();
}

void pinned_actor::finish() {
  guarded([this] { on_terminate(); });
  inbox_.close();
  drop_local();
  cleanup(caf::exit_reason::normal, &home_);
}

}  // namespace weft
