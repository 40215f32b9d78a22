// What is known of a call once it has ended: the line in the log and the span of the trace are made of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/config/options.hpp"
#include "proto/trace_context.hpp"

namespace weft {

class span_queue;

/// The place of a call in a trace.
struct call_trace {
  /// There is a trace. Otherwise nothing else here means anything.
  bool known = false;
  /// This hop makes a span, and what it sends on names that span as the parent.
  bool recording = false;
  /// The trace begins here, so whoever is called must be told of it, sampled or not.
  bool begun = false;
  /// The place of this hop's span when it makes one, else the place that the request brought.
  proto::trace_context at;
  /// The caller's span; 0 for the first span of a trace.
  std::uint64_t parent_span = 0;
  /// As it came, a raw JSON string; kept for spans only.
  std::string raw_tracestate;
};

/// Whose view of the call it is. The numbers are OTLP's span kinds.
enum class call_side : std::uint8_t {
  /// Made and handled in this process.
  internal = 1,
  /// Taken from a connection: handled here, or sent on as a proxy.
  server = 2,
  /// Made by a handler of this process.
  client = 3,
};

/// A stream that went on at another instance, behind so many items.
struct stream_resumption {
  std::chrono::system_clock::time_point at;
  std::int64_t items = 0;
};

struct call_record {
  call_side side = call_side::server;
  std::string method;
  /// Someone serves the method: its name may become the name of a span.
  bool registered = true;
  /// How the caller introduced itself ("name/instance", or a node's id), if it did, and where its connection
  /// comes from.
  std::string caller;
  host_port caller_address;
  /// Who the call was sent to last, if anyone ("name/instance", or a peer's name), and that one's node.
  std::string callee;
  std::string callee_node;
  /// 0: success.
  std::int32_t code = 0;
  std::uint32_t attempts = 0;
  std::vector<stream_resumption> resumptions;
  std::chrono::system_clock::time_point ended;
  std::chrono::nanoseconds duration{0};
  call_trace trace;
};

/// Where records go. Empty members: nowhere.
struct call_sinks {
  /// Called from any reactor, so it is thread safe and quick.
  std::function<void(const call_record&)> log;
  std::shared_ptr<span_queue> spans;
};

}  // namespace weft
