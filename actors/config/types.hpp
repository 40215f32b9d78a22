// What the values of options are made of.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace weft {

using std::chrono::microseconds;
using std::chrono::milliseconds;

struct host_port {
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(const host_port&, const host_port&) = default;
};

/// Where something listens or is dialled, and how: "tcp://HOST:PORT" (or without a scheme),
/// "tls://HOST:PORT".
struct net_address {
  host_port at;
  bool tls = false;
  friend bool operator==(const net_address&, const net_address&) = default;
};

/// "users.*=consistent_hash": a setting for the methods that a pattern covers.
struct method_rule {
  std::string pattern;
  std::string value;
  friend bool operator==(const method_rule&, const method_rule&) = default;
};

}  // namespace weft
