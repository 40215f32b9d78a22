// A router's connections and the output that is gathered for them in its turn.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "actors/router/connection_entry.hpp"
#include "actors/router/site.hpp"

namespace weft {

class connections {
 public:
  explicit connections(router_site& site) noexcept : site_(site) {}

  /// Takes a socket on: from here on `router` hears of it.
  connection_entry& add(int descriptor, const sockaddr_storage& address, connection_entry::role as,
                        const caf::strong_actor_ptr& router, std::unique_ptr<tls::session>&& session = {});
  /// Its connection is closed; nothing refers to it any more.
  void remove(connection_entry& entry);
  connection_entry* find(connection_key key) noexcept {
    if (key.slot >= entries_.size()) return nullptr;
    auto* entry = entries_[key.slot].get();
    return entry->state.open && entry->id.generation == key.generation ? entry : nullptr;
  }
  /// Whose share its calls take of, for a sentence: an identity's name in quotes, or "this connection".
  std::string holder_of(connection_key key);
  /// The connection, if calls may be sent to it now.
  connection_entry* callable(connection_key key);
  /// Does this connection take calls? One on another reactor is checked there.
  bool takes_calls(const connection_address& at) {
    return at.reactor_index != site_.index() || callable(at.key) != nullptr;
  }
  template <class Visit>
  void for_each_open(Visit&& visit) {
    for (auto& entry : entries_) {
      if (entry->state.open) visit(*entry);
    }
  }
  /// The connection that this peer actor has dialled.
  connection_entry* find_dialled_by(const caf::strong_actor_ptr& peer);

  // -- output
  outbound_batch& output(connection_entry& entry) {
    if (!entry.out) entry.out = site_.shared.outbound.take();
    if (!entry.state.dirty) {
      entry.state.dirty = true;
      dirty_.push_back(entry.id.slot);
    }
    return *entry.out;
  }
  void send_frame(connection_entry& entry, std::string_view payload, bool urgent);
  /// Is so much output pending or gathered for it that its next request has to wait?
  bool has_output_enough(const connection_entry& entry) const noexcept {
    return entry.out && entry.output_bytes() > site_.options.limits.output_soft_bytes;
  }
  /// Must the next request of the connection wait, for that or for what it registers? So that it has one
  /// registration under way at a time.
  bool must_wait(const connection_entry& entry) const noexcept {
    return entry.state.registering || has_output_enough(entry);
  }
  /// May a frame of this size go out to it? Else the error says why not.
  std::optional<rpc_error> check_room(const connection_entry& entry, std::size_t frame_bytes,
                                      executed ran) const {
    if (frame_bytes <= entry.party.accepts && !entry.is_link()) [[likely]]
      return std::nullopt;
    return check_limits(entry, frame_bytes, ran);
  }
  /// Holds an answer back, the output from `start` on, that is large while much waits for this link already:
  /// others' answers pass it. False when too much is held back already.
  bool hold_back(connection_entry& entry, std::size_t start);
  /// Sends as many of the answers held back as the link takes now, or all.
  void release_held_back(connection_entry& entry, bool all = false);
  /// Closes the connection once its output is written.
  void finish(connection_entry& entry);
  /// The same when the other side has finished sending and everything is answered.
  void finish_if_done(connection_entry& entry);
  /// Hands the output of this turn to the connections.
  void flush();

  /// Too much is held of frames that are not complete: cuts the connections that hold the most.
  void cut_unfinished();
  /// All of them, at once.
  void close();
  nlohmann::json describe() const;

 private:
  std::optional<rpc_error> check_limits(const connection_entry& entry, std::size_t frame_bytes,
                                        executed ran) const;

  router_site& site_;
  /// Entries stay where they are.
  std::vector<std::unique_ptr<connection_entry>> entries_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> dirty_;
};

}  // namespace weft
