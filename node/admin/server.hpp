// The admin HTTP server: its own port, its own few threads, so that it answers while the data path is
// saturated. One thread serves all sockets, so that slow clients hold nobody up; liveness is answered by it,
// pages are made by others.
//
// Descriptors: each request under way needs one, and /metrics a few more to read /proc. The node keeps 64
// descriptors below RLIMIT_NOFILE back from its connections (limits.connections), which is what lets this
// server accept when they have used up the rest.
//
// Thread safety: the sources are called from the server's threads until the destructor returns.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "actors/config/options.hpp"
#include "node/admin/routes.hpp"

namespace weft {

class admin_server {
 public:
  /// Binds and serves. On failure the sentence says which address and why.
  static std::expected<std::unique_ptr<admin_server>, std::string> start(const host_port& address,
                                                                         admin_sources sources);
  /// Waits for the requests under way.
  ~admin_server();
  admin_server(const admin_server&) = delete;
  admin_server& operator=(const admin_server&) = delete;

  /// The real port, also when 0 was asked for.
  host_port address() const;

 private:
  struct implementation;
  explicit admin_server(std::unique_ptr<implementation> impl);
  std::unique_ptr<implementation> impl_;
};

}  // namespace weft
