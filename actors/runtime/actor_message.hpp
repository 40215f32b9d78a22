// Messages between pinned actors that carry their payload in the mailbox element itself.
//
// A CAF message with typed content costs several allocations and a run-time type match; these cost one
// allocation or none (a recycled element) and one integer comparison. They travel through ordinary CAF
// mailboxes.
#pragma once

#include <cstdint>
#include <memory>

#include <caf/mailbox_element.hpp>
#include <caf/type_erased_tuple.hpp>

namespace weft {

class actor_message : public caf::mailbox_element {
 public:
  enum class type : std::uint8_t {
    inbound_batch,
    outbound_batch,
    connection_closed,
    adopt_socket,
    adopt_link,
    snapshot,
    remote_calls,
    blocking_done,
    inspect,
    drain,
    close,
    address_resolved,
    link_changed,
    start,
    send,
    room,
    nodes_listed,
    retire,
    retire_link,
    peer_ended,
    registered,
    probe_link,
    refuse_link,
    unfinished_frames,
    output_drained,
    adopt_uplink,
    posted_work,
  };

  type what() const noexcept { return what_; }

  /// The element as an actor_message, or null when it is some other CAF message.
  static actor_message* from(caf::mailbox_element& element) noexcept {
    return element.mid.integer_value() == tag ? static_cast<actor_message*>(&element) : nullptr;
  }

  caf::type_erased_tuple& content() final { return none_; }
  const caf::type_erased_tuple& content() const final { return none_; }
  caf::message move_content_to_message() final { return {}; }
  caf::message copy_content_to_message() const final { return {}; }

 protected:
  explicit actor_message(type what) noexcept : what_(what) { mid = caf::message_id{tag}; }

 private:
  // A response id that no request of ours can have: never mistaken for a request that wants an answer.
  static constexpr std::uint64_t tag = caf::message_id::response_flag_mask |
                                       caf::message_id::answered_flag_mask |
                                       caf::message_id::default_async_value | 0x57454654;
  caf::empty_type_erased_tuple none_;
  type what_;
};

template <class T, class... Args>
std::unique_ptr<T, caf::detail::disposer> make_actor_message(Args&&... args) {
  return std::unique_ptr<T, caf::detail::disposer>(new T(std::forward<Args>(args)...));
}

}  // namespace weft
