#include "actors/telemetry/call_recorder.hpp"

#include <array>
#include <utility>

#include "actors/telemetry/span_queue.hpp"

namespace weft {
namespace {

// https://www.w3.org/TR/trace-context-2/#trace-flags
constexpr std::uint8_t sampled_flag = 0x01;
constexpr std::uint8_t random_id_flag = 0x02;
// Longer ones need not be kept, says the standard; they are still passed on.
constexpr std::size_t tracestate_bytes = 512;

std::mt19937_64 seeded() {
  std::random_device device;
  std::array<std::random_device::result_type, 8> words{};
  for (auto& word : words) word = device();
  std::seed_seq seeds(words.begin(), words.end());
  return std::mt19937_64(seeds);
}

}  // namespace

bool is_sampled(const proto::trace_context& trace, double ratio) noexcept {
  constexpr std::uint64_t ids = std::uint64_t{1} << 56;
  const auto rejected = static_cast<std::uint64_t>((1.0 - ratio) * static_cast<double>(ids));
  return (trace.trace_id_low & (ids - 1)) >= rejected;
}

std::string raw_traceparent(const proto::trace_context& trace) {
  const auto text = proto::format_traceparent(trace);
  std::string raw = "\"";
  raw.append(proto::view(text)).push_back('"');
  return raw;
}

std::unique_ptr<call_recorder> call_recorder::make(reactor& home, const node_options& options,
                                                   const call_sinks& sinks) {
  const bool logging = sinks.log && options.calls_logged.which != "off";
  if (!logging && !sinks.spans) return nullptr;
  return std::make_unique<call_recorder>(home, options, sinks);
}

call_recorder::call_recorder(reactor& home, const node_options& options, const call_sinks& sinks)
    : home_(home),
      options_(options),
      sinks_(sinks),
      begins_traces_(sinks.spans && options.tracing.sample_ratio > 0),
      log_errors_(sinks.log && options.calls_logged.which != "off"),
      log_successes_(sinks.log && options.calls_logged.which == "all"),
      random_(seeded()) {}

std::optional<proto::trace_context> call_recorder::read(std::string_view raw) const {
  if (raw.size() < 2 || raw.front() != '"') return std::nullopt;
  return proto::parse_traceparent(raw.substr(1, raw.size() - 2));
}

void call_recorder::enter(call_trace& trace, const proto::trace_context& parent,
                          std::string_view raw_tracestate) {
  trace.recording = true;
  trace.parent_span = parent.span_id;
  trace.at = proto::child_of(parent, random_());
  if (raw_tracestate.size() <= tracestate_bytes) trace.raw_tracestate = raw_tracestate;
}

call_trace call_recorder::begin_child(std::string_view raw_traceparent, std::string_view raw_tracestate) {
  call_trace trace;
  if (raw_traceparent.empty()) return trace;
  const auto parent = read(raw_traceparent);
  if (!parent) return trace;
  trace.known = true;
  trace.at = *parent;
  // Whoever makes no span sends the bytes on as they are.
  if (sinks_.spans && parent->sampled()) enter(trace, *parent, raw_tracestate);
  return trace;
}

call_trace call_recorder::begin(std::string_view raw_traceparent, std::string_view raw_tracestate) {
  auto trace = begin_child(raw_traceparent, raw_tracestate);
  if (trace.known || !begins_traces_) return trace;
  trace.known = trace.begun = true;
  trace.at = {random_(), random_(), 0, random_id_flag};
  const bool sampled = is_sampled(trace.at, options_.tracing.sample_ratio);
  if (sampled) trace.at.flags |= sampled_flag;
  trace.at = proto::child_of(trace.at, random_());
  trace.recording = sampled;
  return trace;
}

bool call_recorder::may_log() {
  const auto most = options_.calls_logged.lines_per_second;
  if (most == 0) return true;
  const auto now = home_.now();
  if (now - second_began_ >= std::chrono::seconds(1)) {
    second_began_ = now;
    lines_this_second_ = 0;
  }
  if (lines_this_second_ < most) {
    ++lines_this_second_;
    return true;
  }
  home_.metrics().add(metric::limit_call_lines);
  return false;
}

void call_recorder::record(call_record record) {
  if ((record.code == 0 ? log_successes_ : log_errors_) && may_log()) sinks_.log(record);
  if (!record.trace.recording) return;
  spans_.push_back(std::move(record));
  if (finishing_ || spans_.size() >= handed_over_together) return hand_over();
  if (!armed()) home_.arm(*this, home_.now() + longest_wait);
}

void call_recorder::hand_over() {
  home_.disarm(*this);
  if (spans_.empty()) return;
  const auto refused = sinks_.spans->push(spans_);
  if (refused != 0) home_.metrics().add(metric::spans_dropped_queue, static_cast<std::int64_t>(refused));
}

void call_recorder::finish() {
  finishing_ = true;
  hand_over();
}

}  // namespace weft
