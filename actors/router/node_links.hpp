// The router's side of links to other nodes: introducing itself on those that a peer actor has dialled,
// giving them up, looking whether they still live.
#pragma once

#include <string>
#include <string_view>

#include "actors/coro/scope.hpp"
#include "actors/coro/task.hpp"
#include "actors/messages/router_messages.hpp"
#include "actors/router/connections.hpp"

namespace weft {

/// `$/goaway`: nothing new is to be sent here.
std::string goaway_frame(std::string_view reason, std::chrono::milliseconds deadline,
                         std::chrono::milliseconds handover, bool conflict = false);

/// Does an incarnation, as another node tells it, belong to another life than this process?
bool is_other_life(const router_site& site, std::string_view incarnation) noexcept;

/// Closes a connection that carries no new calls once those under way are over.
coro::task<void> close_when_idle(router_site* site, connections* entries, connection_key key,
                                 coro::clock::time_point at_most);

class node_links {
 public:
  node_links(router_site& site, connections& entries, coro::scope& tasks) noexcept
      : site_(site), connections_(entries), tasks_(tasks), token_(site.options.auth.peer_token) {}

  void on_adopt(adopt_link& message);
  void on_retire(const retire_link& message);
  void on_refuse(const refuse_link& message);
  void on_probe(const probe_link& message);
  /// On the links that there are and on later ones: who this node is to the others.
  void present(std::string token);
  /// From the registry: what the other node is told.
  void on_send(const send_message& message);

 private:
  static coro::task<void> present_on(node_links* self, connection_key key);
  static coro::task<void> introduce(node_links* self, connection_key key, caf::strong_actor_ptr dialler);
  void on_introduced(connection_entry& entry, const json_result& answer,
                     const caf::strong_actor_ptr& dialler);
  nlohmann::json introduction() const;
  /// The peer actor learns the reason instead of how the connection ends.
  void give_up(connection_entry& entry, std::string why, bool conflict);
  bool is_own_id(const rpc_error& error) const;
  static coro::task<void> probe(node_links* self, connection_key key);

  router_site& site_;
  connections& connections_;
  coro::scope& tasks_;
  /// Empty for none.
  std::string token_;
};

}  // namespace weft
