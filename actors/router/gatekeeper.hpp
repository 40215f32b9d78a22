// Who a connection is and what it may do, when the node has an access policy.
#pragma once

#include <expected>
#include <span>
#include <string_view>

#include "actors/methods/declaration.hpp"
#include "actors/router/links.hpp"

namespace weft {

class gatekeeper {
 public:
  gatekeeper(router_site& site, links& connections) noexcept : site_(site), links_(connections) {}

  /// Who the connection is from now on, if it may be and do what it claims with `connect`; an empty token
  /// keeps who it is. Null without an access policy.
  std::expected<const identity*, rpc_error> authorize(link_entry& entry, std::string_view token,
                                                      std::span<const served_method> serves, bool as_node);
  /// May it call the method? What comes over a link from another node was allowed where it came from.
  bool may_call(const link_entry& entry, std::string_view method) const {
    return entry.who == nullptr || entry.is_link() || entry.who->call.covers(method);
  }
  rpc_error refuse_call(const link_entry& entry, std::string_view method) const;

 private:
  rpc_error refuse_token(link_entry& entry);
  rpc_error refuse(const identity& who, metric right, std::string_view what) const;

  router_site& site_;
  links& links_;
};

}  // namespace weft
