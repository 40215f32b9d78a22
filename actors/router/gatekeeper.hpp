// Who a connection is and what it may do, when the node has an access policy.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "actors/methods/declaration.hpp"
#include "actors/router/connections.hpp"
#include "actors/telemetry/log_budget.hpp"

namespace weft {

class gatekeeper {
 public:
  gatekeeper(router_site& site, connections& entries);

  /// A connection over TLS begins: it is whose certificate it has shown, without a token.
  void recognize(connection_entry& entry);
  /// Who the connection is from now on, if it may be and do what it claims with `connect`; an empty token
  /// keeps who it is. Null without an access policy. A connection beyond its identity's share ends.
  std::expected<const identity*, rpc_error> authorize(connection_entry& entry, std::string_view token,
                                                      std::span<const served_method> serves, bool as_node);
  /// From now on this says who may do what. Connections keep who they are as long as what they have shown
  /// still proves it, and lose at once what they may not do any more: what they serve is withdrawn, and who
  /// is nobody now, or a node that may be none, is told and cut.
  void change(std::shared_ptr<const access_policy> policy);
  /// Makes it so. A client's calls count from now on for all connections of its identity together; a link to
  /// another node, which carries the calls of many, counts for itself, and so does who has shown no token.
  void admit(connection_entry& entry, const identity* who, std::string_view token, bool as_node);
  /// Whose it is: the identity's name, empty for a connection that counts for itself.
  static std::string_view owner_of(const connection_entry& entry) noexcept {
    return entry.access.of_identity == nullptr ? std::string_view()
                                               : std::string_view(entry.access.who->name);
  }
  /// May it call the method? What comes over a link from another node was allowed where it came from.
  bool may_call(const connection_entry& entry, std::string_view method) const {
    return entry.access.who == nullptr || entry.is_link() || entry.access.who->call.covers(method);
  }
  /// Takes a call of so many bytes of the quotas of who makes it; an error when it is more than they allow.
  std::optional<rpc_error> take_quota(const connection_entry& entry, std::size_t bytes) const;
  /// The same of a message that is not refused for it.
  void charge_quota(const connection_entry& entry, std::size_t bytes) const {
    const auto* of = entry.access.of_identity;
    if (of != nullptr && of->quota != nullptr) [[unlikely]]
      of->quota->charge_bytes(coro::clock::now(), bytes);
  }
  rpc_error refuse_call(const connection_entry& entry, std::string_view method) const;

 private:
  /// Whose certificate the other side has shown: null when it is nobody's, or none.
  const identity* shown_by(const connection_entry& entry) const;
  std::optional<rpc_error> check_node_names(const connection_entry& entry) const;
  rpc_error refuse_token(connection_entry& entry);
  rpc_error refuse(const identity& who, metric right, std::string_view what) const;
  /// Counts for itself, not for an identity.
  bool is_nobodys(const identity* who, bool as_node) const;
  /// Takes the connection's place in the share of its new identity.
  std::optional<rpc_error> take_place(connection_entry& entry, const identity* who, bool as_node);
  usage& usage_of(const identity& who);
  void reassess(connection_entry& entry);
  void dismiss(connection_entry& entry, std::string_view reason);

  router_site& site_;
  connections& connections_;
  /// Connections of one identity, on all reactors.
  const std::size_t connection_share_;
  /// What identities have of this reactor's limits, by name; connections and calls refer to it.
  std::map<std::string, usage, std::less<>> usages_;
  /// For wrong tokens.
  log_budget lines_{10};
};

}  // namespace weft
