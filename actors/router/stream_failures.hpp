// Ends of streams that are no answer of their callee: one of the two ends has broken a rule, or takes no
// more.
//
// Thread safety: none; part of a router.
#pragma once

#include <string_view>

#include "actors/router/calls.hpp"
#include "proto/stream.hpp"

namespace weft {

class stream_failures {
 public:
  stream_failures(router_site& site, calls& book) noexcept : site_(site), calls_(book) {}

  /// Ends the stream for its caller and its callee; the instance is not blamed.
  void end(call& c, const rpc_error& error);
  /// `who` has sent what it was not granted.
  void over_credit(call& c, std::string_view who);
  void invalid(call& c, std::string_view what);
  void repeated(call& c, std::string_view message, const proto::stream_members& m);
  /// A message that names no stream.
  void unmatched() { site_.metrics().add(metric::stream_messages_unmatched); }

 private:
  router_site& site_;
  calls& calls_;
};

}  // namespace weft
