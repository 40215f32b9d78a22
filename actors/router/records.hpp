// What is told of calls: durations by method and outcome, spans, lines in the log.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/messages/router_messages.hpp"
#include "actors/router/call.hpp"
#include "actors/router/connections.hpp"
#include "actors/router/request.hpp"
#include "actors/service/handler_context.hpp"
#include "actors/telemetry/call_recorder.hpp"
#include "actors/telemetry/named_counts.hpp"

namespace weft {

class records {
 public:
  records(router_site& site, connections& entries);

  // -- series of durations
  call_stats& stats() noexcept { return stats_; }
  /// The series of a method that others serve; they belong to its first instance.
  method_stats& stats_of(const route& serving) {
    const auto known = by_route_.find(&serving);
    return known != by_route_.end() ? *known->second : find_stats_of(serving);
  }
  method_stats& stats_of(const peer_route& peer, std::string_view method);
  /// After a look at the series, or when they are crowded: forgets those of methods that nobody serves any
  /// more.
  void sweep();
  /// There is another routing table.
  void forget_routes() noexcept { by_route_.clear(); }

  /// Durations of what has ended in this turn, with one look at the clock for all of it.
  void observe_turn();

  // -- requests that are answered at once
  void begin(request& r) {
    if (recorder_ && recorder_->may_begin(r.message.traceparent))
      r.trace = recorder_->begin(r.message.traceparent, r.message.tracestate);
  }
  void answered_now(request& r, method_stats& stats, std::int32_t code) {
    observed_.push_back({&stats, code, site_.now()});
    if (recorder_ && recorder_->wants(code, r.trace)) record(r, stats, code);
  }

  // -- calls
  /// The request becomes this call.
  void take(call& c, request& r, std::string_view method);
  /// The call is over, for its caller.
  void observe(call& c, std::int32_t code);
  void malformed(const connection_entry& from);
  /// A call of this identity was more than its quotas allow.
  void over_quota(const std::string& identity);

  // -- traces that go on
  /// Puts this hop's span into the request that is sent on.
  void pass_on(call& c, request& r);
  /// A notification that is sent on, as the bytes that are to be sent; valid until the next one.
  std::string_view pass_on(request& r, const route& serving);
  /// The traceparent for the request of a call that a handler makes; valid until the next one.
  std::string_view begin_outgoing(call& c, std::string_view method, const weft::handler_context& ctx);
  static std::shared_ptr<const trace_members> handler_trace(const call& c, std::string_view raw_traceparent,
                                                            std::string_view raw_tracestate);

  void report(router_report& report) const;
  void finish() {
    if (recorder_) recorder_->finish();
  }

 private:
  method_stats& find_stats_of(const route& serving);
  void record(request& r, const method_stats& stats, std::int32_t code);
  void record(call& c, std::int32_t code);
  void describe_callee(const call& c, call_record& record) const;
  /// The message with this hop's place in the trace, or as it came; `moved` as in `append_traced`.
  std::string_view traced(const proto::envelope& message, const call_trace& trace,
                          std::span<text_span* const> moved = {});

  router_site& site_;
  connections& connections_;
  call_stats stats_;
  /// The series of the routes of this routing table.
  std::unordered_map<const route*, method_stats*> by_route_;
  /// A call that has ended in this turn.
  struct observation {
    method_stats* stats;
    std::int32_t code;
    coro::clock::time_point started;
  };
  std::vector<observation> observed_;
  coro::clock::time_point swept_{};
  /// Malformed responses by the service or node that gave them.
  named_counts malformed_;
  named_counts over_quota_;
  /// Null when calls are neither traced nor logged.
  std::unique_ptr<call_recorder> recorder_;
  std::string traced_;
};

}  // namespace weft
