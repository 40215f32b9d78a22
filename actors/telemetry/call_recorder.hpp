// Watches the calls of one router: decides which of them are traced and which are logged, and hands their
// records on. A router has one only while something is to be traced or logged.
//
// Thread safety: none; it belongs to its router.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string_view>
#include <vector>

#include "actors/runtime/reactor.hpp"
#include "actors/telemetry/call_record.hpp"

namespace weft {

class call_recorder final : private coro::timer {
 public:
  /// Null when nothing is to be recorded.
  static std::unique_ptr<call_recorder> make(reactor& home, const node_options& options,
                                             const call_sinks& sinks);
  call_recorder(reactor& home, const node_options& options, const call_sinks& sinks);

  /// Could `begin` find or begin a trace?
  bool may_begin(std::string_view raw_traceparent) const noexcept {
    return !raw_traceparent.empty() || begins_traces_;
  }
  /// The trace of a request that has arrived, from the raw JSON values of its members. Without a valid
  /// traceparent, and with tracing on, a trace begins here.
  call_trace begin(std::string_view raw_traceparent, std::string_view raw_tracestate);
  /// The same for a call that a handler makes; that never begins a trace.
  call_trace begin_child(std::string_view raw_traceparent, std::string_view raw_tracestate);

  /// Ask before making a record.
  bool wants(std::int32_t code, const call_trace& trace) const noexcept {
    return trace.recording || (code == 0 ? log_successes_ : log_errors_);
  }
  void record(call_record record);

  /// Hands over the spans that are gathered here.
  void hand_over();
  /// The node ends: from now on every span is handed over at once.
  void finish();

 private:
  /// Spans that are handed over together, and how long one may wait for others.
  static constexpr std::size_t handed_over_together = 64;
  static constexpr std::chrono::seconds longest_wait{1};

  std::optional<proto::trace_context> read(std::string_view raw_traceparent) const;
  void enter(call_trace& trace, const proto::trace_context& parent, std::string_view raw_tracestate);
  bool may_log();
  void on_expiry() override { hand_over(); }

  reactor& home_;
  const node_options& options_;
  const call_sinks& sinks_;
  bool begins_traces_ = false;
  bool log_errors_ = false;
  bool log_successes_ = false;
  bool finishing_ = false;
  std::vector<call_record> spans_;
  std::mt19937_64 random_;
  coro::clock::time_point second_began_{};
  std::size_t lines_this_second_ = 0;
};

/// Decides by the trace id, so that every node of the same ratio decides the same: OpenTelemetry's
/// consistent probability sampling, with the 56 random bits of the id.
bool is_sampled(const proto::trace_context& trace, double ratio) noexcept;

/// `"00-…"`: the value of the member, a JSON string.
std::string raw_traceparent(const proto::trace_context& trace);

}  // namespace weft
