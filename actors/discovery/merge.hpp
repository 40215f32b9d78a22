// From what several sources list to what is dialled: every address once.
//
// Pure functions.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/discovery/source.hpp"

namespace weft {

/// One address to dial.
struct peer_listing {
  host_port address;
  host_port known_as;
  /// How handlers call it; empty when no source gives a name: its address does then.
  std::vector<std::string> names;
  /// The sources that list it, as they were written.
  std::vector<std::string> sources;
  /// As soon as one source says so.
  bool tls = false;
  friend bool operator==(const peer_listing&, const peer_listing&) = default;

  /// Its first name, or its address.
  std::string label() const;
};

/// By address, written in the one way that all spellings of it share.
using peer_listings = std::map<std::string, peer_listing>;

struct listed_by {
  std::string_view source;
  /// Counts against the limit.
  bool limited = true;
  std::span<const listed_node> nodes;
};

struct merged_listing {
  peer_listings peers;
  /// Addresses that the limit left out.
  std::size_t ignored = 0;
  /// Names that were given to two addresses; the first source that gave it has it.
  std::vector<std::string> ambiguous;
};

/// "127.0.0.1:7400", "[::1]:7400": the same text for the same numeric address.
std::string address_key(const host_port& address);

/// At most `limit` addresses of limited sources. Those that `known` holds come first: a node is not dropped
/// because another one appeared.
merged_listing merge(std::span<const listed_by> sources, std::size_t limit,
                     const std::function<bool(const std::string& key)>& known);

}  // namespace weft
