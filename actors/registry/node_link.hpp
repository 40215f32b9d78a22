// A link to another node, as the registry knows it: which node, and what both have told each other of
// methods.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "actors/messages/keys.hpp"
#include "actors/registry/advertise_budget.hpp"
#include "actors/registry/session_messages.hpp"

namespace weft {

using method_map = std::map<std::string, remote_method>;

/// What a link and its other end have told each other of methods.
struct link_routes {
  /// Numbers of the last messages each way.
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  /// None was missed.
  bool in_step = false;
  method_map methods;
  /// It tells of more methods than it may.
  bool over_limit = false;
  /// No method was too large for it so far.
  bool told_all = true;
  /// It is to be told everything, with the next table, if that was not too often lately.
  bool wants_all = true;
  advertise_budget budget;
};

/// A connection to another node and what came over it.
struct node_link {
  connection_address link;
  std::string node;
  std::string incarnation;
  std::string address;
  std::size_t frame_bytes = 0;
  /// Another life of the same node has a link: until it is known whether that one still lives, this one
  /// waits.
  bool waiting = false;
  bool leaving = false;
  bool hands_over = false;
  link_routes routes;
};

}  // namespace weft
