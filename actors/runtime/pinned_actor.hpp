// An actor that always runs on one reactor's thread, so it may touch that reactor's sockets and timers
// without a lock.
//
// It is a CAF actor in every respect that others see (handle, mailbox, monitors, exit messages), with a
// mailbox of one lock-free queue instead of scheduled_actor's four: 300 bytes instead of 1,100, which is what
// an idle connection costs.
//
// Thread safety: messages may be sent from any thread; the actor's own functions run on the reactor's thread
// only.
#pragma once

#include <exception>
#include <string_view>

#include <caf/actor_traits.hpp>
#include <caf/intrusive/lifo_inbox.hpp>
#include <caf/local_actor.hpp>
#include <caf/make_actor.hpp>
#include <caf/resumable.hpp>

#include "actors/runtime/actor_message.hpp"
#include "actors/runtime/reactor.hpp"

namespace weft {

class pinned_actor : public caf::local_actor,
                     public caf::resumable,
                     public caf::dynamically_typed_actor_base,
                     public caf::non_blocking_actor_base {
 public:
  pinned_actor(caf::actor_config& config, reactor& home);
  ~pinned_actor() override;

  using caf::abstract_actor::enqueue;
  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* host) final;
  void launch(caf::execution_unit* host, bool lazy, bool hide) final;
  subtype_t subtype() const final { return io_actor; }
  resume_result resume(caf::execution_unit* host, std::size_t max_throughput) final;
  void intrusive_ptr_add_ref_impl() final;
  void intrusive_ptr_release_impl() final;

 protected:
  /// One message; ordinary CAF messages other than exit messages are not for pinned actors and are dropped.
  virtual void receive(actor_message& message) = 0;
  /// After the last message of a turn: the place to send what was gathered.
  virtual void end_of_turn() {}
  /// Called once, on the reactor's thread, when the actor ends.
  virtual void on_terminate() = 0;

  /// An exception left `receive` or `end_of_turn`: by default the actor ends, and harms no other. Also for
  /// the actor's own callbacks.
  virtual void on_exception(std::string_view what) noexcept;
  /// Runs `work`, handing what it throws to `on_exception`.
  template <class Work>
  void guarded(Work&& work) noexcept {
    try {
      work();
    } catch (const std::exception& e) {
      on_exception(e.what());
    } catch (...) {
      on_exception("an exception that is no std::exception");
    }
  }

  /// Ends the actor after the current message. Undelivered messages are dropped.
  void terminate() noexcept { terminated_ = true; }
  bool terminated() const noexcept { return terminated_; }
  /// How many messages waited when this turn began.
  std::int64_t messages_in_turn() const noexcept { return messages_in_turn_; }
  reactor& home() const noexcept { return home_; }

  /// Sends a message that belongs to this hop; `to` may be pinned anywhere.
  template <class T>
  void send_to(const caf::strong_actor_ptr& to, std::unique_ptr<T, caf::detail::disposer> message) {
    // Straight to the actor: its control block would only pass it on.
    to->get()->enqueue(caf::mailbox_element_ptr(message.release()), &home_);
  }

 private:
  struct mailbox_policy {
    using mapped_type = caf::mailbox_element;
    using unique_pointer = caf::mailbox_element_ptr;
  };

  /// A chain of messages in the order of their arrival.
  void deliver(caf::mailbox_element* first);
  bool deliver_all();
  void finish();
  void drop_local() noexcept;

  reactor& home_;
  /// From other threads.
  caf::intrusive::lifo_inbox<mailbox_policy> inbox_;
  // From the reactor's own thread. They do not go through the inbox: another thread may have unblocked it and
  // its wake-up may still be under way, but a batch must be handled before the read buffer it points into is
  // used again.
  caf::mailbox_element* local_first_ = nullptr;
  caf::mailbox_element* local_last_ = nullptr;
  bool local_scheduled_ = false;
  bool terminated_ = false;
  std::int64_t messages_in_turn_ = 0;
};

/// Starts an actor on `home`. Its constructor gets (actor_config&, reactor&, args...) and runs on the
/// caller's thread.
template <class T, class... Args>
caf::actor spawn_pinned(caf::actor_system& system, reactor& home, Args&&... args) {
  caf::actor_config config{&home};
  auto handle = caf::make_actor<T, caf::actor>(system.next_actor_id(), system.node(), &system, config, home,
                                               std::forward<Args>(args)...);
  caf::actor_cast<T*>(handle)->launch(&home, true, true);
  return handle;
}

}  // namespace weft
