// How much of a connection's output its streams may take: each has a share of it, and waits while that is
// full.
//
// Thread safety: none; part of a router.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "actors/router/call.hpp"
#include "actors/router/connections.hpp"

namespace weft {

class stream_room {
 public:
  stream_room(router_site& site, connections& entries) noexcept : site_(site), connections_(entries) {}

  // -- bytes that one stream may have waiting, in each direction
  std::int64_t down(const call& c) const;
  std::int64_t up(const call& c) const;

  /// May so many bytes go out to it, with which no more than `most` wait? No stream is a connection's end.
  std::optional<rpc_error> check(const connection_entry& to, std::size_t bytes, std::size_t most);
  /// So little waits for the connection that what is sent to it counts as drained.
  bool drains(const connection_entry& to) const {
    return to.output_bytes() <= site_.options.limits.stream_window_bytes;
  }
  /// The next grant of the stream waits until the connection's output has drained.
  void stall(connection_entry& to, call& c, bool downwards);

 private:
  std::int64_t share(std::size_t budget, std::size_t count) const;

  router_site& site_;
  connections& connections_;
};

}  // namespace weft
