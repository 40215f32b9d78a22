// The params of the protocol's own messages, `connect`, `mesh.routes` and `$/goaway`, as values. They come
// from anybody: nothing of them reaches an actor before it was read here.
//
// Pure functions. On failure the sentence names the member that was wrong, what came and what would be right.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "actors/config/options.hpp"
#include "actors/methods/declaration.hpp"

namespace weft {

struct connect_message {
  std::optional<std::vector<served_method>> serves;
  std::string name;
  std::string instance;
  std::string token;
  std::optional<std::chrono::milliseconds> heartbeat;
  /// A node's id, and which of its lives; empty for who is none.
  std::string node;
  std::string incarnation;
  /// The largest frames that the sender takes, if it says so: of a client, and of a node on a link.
  std::optional<std::size_t> frame_bytes;
  std::optional<std::size_t> link_frame_bytes;
};
std::expected<connect_message, declaration_fault> read_connect(const nlohmann::json& params,
                                                               const limit_options& limits);

/// The answer of another node to `connect`.
struct connected_message {
  std::string node;
  std::string incarnation;
  std::optional<std::size_t> link_frame_bytes;
};
std::expected<connected_message, std::string> read_connected(const nlohmann::json& result);

/// The interval that an answer to `connect` tells both sides to keep; nothing when it tells none that may be.
std::optional<std::chrono::milliseconds> heartbeat_of(const nlohmann::json& result);

/// A method that another node serves, and by how many instances.
struct remote_method {
  served_method method;
  std::uint32_t instances = 1;
  friend bool operator==(const remote_method&, const remote_method&) = default;
};

struct routes_message {
  std::uint64_t seq = 0;
  /// Everything that was told before is void.
  bool reset = false;
  std::vector<std::string> removed;
  std::vector<remote_method> added;
  /// Entries that this node's limits do not allow, or that are malformed, and what was wrong with the first.
  std::size_t refused = 0;
  std::string complaint;
};
std::expected<routes_message, std::string> read_routes(const nlohmann::json& params,
                                                       const limit_options& limits);

struct goaway_message {
  std::string reason;
  /// Another node has the id of this one.
  bool conflict = false;
  std::chrono::milliseconds handover{0};
};
std::expected<goaway_message, std::string> read_goaway(const nlohmann::json& params);

}  // namespace weft
