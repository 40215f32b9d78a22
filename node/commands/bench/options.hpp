// What `weft bench` was asked to do.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "actors/config/options.hpp"

namespace weft::tools {

struct bench_options {
  host_port address;
  std::size_t connections = 1;
  /// Requests in flight on each connection, or batches of them, or streams.
  std::size_t pipeline = 1;
  /// Requests in one JSON-RPC batch; 1 sends them singly.
  std::size_t batch = 1;
  std::chrono::nanoseconds duration = std::chrono::seconds(5);
  std::chrono::nanoseconds warmup = std::chrono::milliseconds(500);
  /// Requests per second of an open loop; 0 is a closed loop: each answer triggers the next request.
  double rate = 0;
  /// Reads streams; each that ends is begun again.
  bool stream = false;
  /// Items of a stream that may be on their way.
  std::int64_t credit = 256;
  std::string method = "foo";
  /// JSON, or empty for none.
  std::string params;
  bool json = false;
  /// When not 0: only hold so many connections open.
  std::size_t idle = 0;
  /// Send `connect` on each of them, and wait for the answers.
  bool introduce = false;
  /// Local address to connect from; empty leaves it to the system.
  std::string source;
  /// Holds the token to present on every connection before the load; empty for none.
  std::string token_file;
  std::string token;
};

}  // namespace weft::tools
