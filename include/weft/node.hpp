// A node inside the program: listens, has peers, serves what it is given, and can be called from any thread.
//
//     auto node = weft::node::start({.id = "a", .listen = "127.0.0.1:0"}, {users}).value();
//     auto ada = node.call<user>("users.get", 1).get();
//
// weft::run (<weft/service.hpp>) is the whole program around one: options, log, admin port, signals.
//
// Ownership: a node is a handle; it stops with the last one. Thread safety: any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weft/client.hpp"
#include "weft/service.hpp"

namespace weft {

/// `call<T>`, `stream<T>`, `spawn` and `run` are those of a client.
class node : public detail::connected {
 public:
  struct options {
    std::string id = "node";
    /// Port 0 takes a free one.
    std::string listen = "127.0.0.1:7400";
    /// NAME=HOST:PORT, or a place that lists nodes, as for `weft node --peer`.
    std::vector<std::string> peers{};
    /// 0: one per core.
    std::size_t reactors = 0;
    std::chrono::milliseconds drain_timeout{10'000};
    std::chrono::milliseconds default_deadline{30'000};
    /// Warnings on standard error without one.
    std::shared_ptr<spdlog::logger> log{};
  };

  static result<node> start(const options& how, const std::vector<service>& services = {});

  const std::string& id() const noexcept;
  /// With the real port.
  std::string listen_address() const;
  /// Lets calls under way finish and services move, as on SIGTERM. True when everything finished in time.
  bool drain() const;
  /// What it counts, by the names of docs/reference.md, without labels: sums over all reactors.
  std::int64_t count(std::string_view metric_family) const;

 private:
  using detail::connected::connected;
};

}  // namespace weft
