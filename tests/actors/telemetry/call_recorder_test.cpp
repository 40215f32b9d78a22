#include "actors/telemetry/call_recorder.hpp"

#include <set>

#include <gmock/gmock.h>

#include "actors/telemetry/span_queue.hpp"
#include "tests/actors/runtime/reactor_thread.hpp"

namespace weft {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view sampled = R"("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")";
constexpr std::string_view unsampled = R"("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")";

class call_recorder_test : public reactor_test {
 protected:
  call_recorder_test() { options.tracing.sample_ratio = 0; }

  call_sinks tracing() const { return {.log = {}, .spans = queue}; }
  call_sinks logging() {
    return {.log = [this](const call_record& call) { logged.push_back(call.code); }, .spans = {}};
  }
  std::int64_t counted(metric m) { return loop.metrics().get(m); }
  static call_record finished(call_recorder& recorder, std::int32_t code = 0) {
    call_record record;
    record.code = code;
    record.trace = recorder.begin(sampled, {});
    return record;
  }

  node_options options;
  std::shared_ptr<span_queue> queue = std::make_shared<span_queue>(100);
  std::vector<std::int32_t> logged;
};

TEST_F(call_recorder_test, is_not_there_when_nothing_is_to_be_recorded) {
  const call_sinks nowhere;
  const auto with_log = logging();
  const auto with_spans = tracing();
  EXPECT_EQ(call_recorder::make(loop, options, nowhere), nullptr);
  EXPECT_NE(call_recorder::make(loop, options, with_log), nullptr);
  options.calls_logged.which = "off";
  EXPECT_EQ(call_recorder::make(loop, options, with_log), nullptr);
  EXPECT_NE(call_recorder::make(loop, options, with_spans), nullptr);
}

TEST_F(call_recorder_test, a_sampled_request_gets_a_span_below_its_callers) {
  const auto sinks = tracing();
  call_recorder recorder(loop, options, sinks);
  const auto trace = recorder.begin(sampled, R"("v=1")");
  EXPECT_TRUE(trace.known && trace.recording);
  EXPECT_FALSE(trace.begun);
  EXPECT_EQ(trace.at.trace_id_high, 0x4bf92f3577b34da6U);
  EXPECT_EQ(trace.at.trace_id_low, 0xa3ce929d0e0e4736U);
  EXPECT_EQ(trace.parent_span, 0x00f067aa0ba902b7U);
  EXPECT_NE(trace.at.span_id, trace.parent_span);
  EXPECT_EQ(trace.at.flags, 1);
  EXPECT_EQ(trace.raw_tracestate, R"("v=1")");
}

TEST_F(call_recorder_test, what_its_caller_did_not_sample_stays_as_it_is) {
  const auto sinks = tracing();
  options.tracing.sample_ratio = 1;
  call_recorder recorder(loop, options, sinks);
  const auto trace = recorder.begin(unsampled, {});
  EXPECT_TRUE(trace.known);
  EXPECT_FALSE(trace.recording || trace.begun);
  EXPECT_EQ(trace.at.span_id, 0x00f067aa0ba902b7U);
}

TEST_F(call_recorder_test, without_tracing_a_trace_is_known_and_nothing_else) {
  const auto sinks = logging();
  options.tracing.sample_ratio = 1;
  call_recorder recorder(loop, options, sinks);
  EXPECT_TRUE(recorder.begin(sampled, {}).known);
  EXPECT_FALSE(recorder.begin(sampled, {}).recording);
  EXPECT_FALSE(recorder.begin({}, {}).known);
}

TEST_F(call_recorder_test, the_ratio_decides_for_requests_without_a_valid_trace) {
  const auto sinks = tracing();
  call_recorder none(loop, options, sinks);
  EXPECT_FALSE(none.may_begin({}));
  EXPECT_FALSE(none.begin({}, {}).known);
  options.tracing.sample_ratio = 1;
  call_recorder recorder(loop, options, sinks);
  EXPECT_TRUE(recorder.may_begin({}));
  std::set<std::uint64_t> ids;
  for (const std::string_view raw : {"", "7", "\"\"", "\"00-nonsense\"", "{}"}) {
    const auto trace = recorder.begin(raw, R"("v=1")");
    EXPECT_TRUE(trace.known && trace.recording && trace.begun) << raw;
    EXPECT_EQ(trace.parent_span, 0U);
    EXPECT_EQ(trace.at.flags, 3) << "sampled, and the id is random";
    EXPECT_EQ(trace.raw_tracestate, "") << "the state belongs to the other trace";
    ids.insert({trace.at.trace_id_high, trace.at.trace_id_low, trace.at.span_id});
  }
  EXPECT_EQ(ids.size(), 15U);
  EXPECT_FALSE(recorder.begin_child({}, {}).known) << "a handler's call never begins a trace";
}

TEST_F(call_recorder_test, spans_are_handed_over_in_dozens) {
  const auto sinks = tracing();
  call_recorder recorder(loop, options, sinks);
  for (int i = 0; i < 63; ++i) recorder.record(finished(recorder));
  EXPECT_TRUE(queue->take(100, 0ms).empty());
  recorder.record(finished(recorder));
  EXPECT_EQ(queue->take(100, 0ms).size(), 64U);
}

TEST_F(call_recorder_test, a_lone_span_is_handed_over_after_a_while) {
  const auto sinks = tracing();
  call_recorder recorder(loop, options, sinks);
  loop.exec_later(job::once([&] { recorder.record(finished(recorder)); }));
  std::thread taker([&] {
    EXPECT_EQ(queue->take(1, 30s).size(), 1U);
    loop.stop();
  });
  run_until_stopped();
  taker.join();
}

TEST_F(call_recorder_test, at_the_end_every_span_is_handed_over_at_once) {
  const auto sinks = tracing();
  call_recorder recorder(loop, options, sinks);
  recorder.record(finished(recorder));
  recorder.finish();
  EXPECT_EQ(queue->take(100, 0ms).size(), 1U);
  recorder.record(finished(recorder));
  EXPECT_EQ(queue->take(100, 0ms).size(), 1U);
}

TEST_F(call_recorder_test, spans_for_which_there_is_no_room_are_counted) {
  const auto sinks = tracing();
  call_recorder recorder(loop, options, sinks);
  for (int i = 0; i < 128; ++i) recorder.record(finished(recorder));
  EXPECT_EQ(counted(metric::spans_dropped_queue), 28);
  EXPECT_EQ(queue->take(1000, 0ms).size(), 100U);
}

TEST_F(call_recorder_test, unless_told_otherwise_failures_are_logged_and_successes_are_not) {
  const auto sinks = logging();
  call_recorder recorder(loop, options, sinks);
  const call_trace none;
  EXPECT_TRUE(recorder.wants(14, none));
  EXPECT_FALSE(recorder.wants(0, none));
  recorder.record(finished(recorder, 14));
  EXPECT_THAT(logged, testing::ElementsAre(14));
}

TEST_F(call_recorder_test, lines_have_a_limit_in_each_second) {
  options.calls_logged.lines_per_second = 3;
  const auto sinks = logging();
  call_recorder recorder(loop, options, sinks);
  for (int i = 0; i < 10; ++i) recorder.record(finished(recorder, 14));
  EXPECT_EQ(logged.size(), 3U);
  EXPECT_EQ(counted(metric::limit_call_lines), 7);
  options.calls_logged.lines_per_second = 0;
  for (int i = 0; i < 10; ++i) recorder.record(finished(recorder, 14));
  EXPECT_EQ(logged.size(), 13U) << "0 is no limit";
}

TEST(sampling, takes_the_share_that_was_asked_for_by_the_random_bits_of_the_id) {
  constexpr std::uint64_t random_bits = (std::uint64_t{1} << 56) - 1;
  const proto::trace_context lowest{1, 0, 1, 0};
  const proto::trace_context highest{1, random_bits, 1, 0};
  const proto::trace_context middle{1, std::uint64_t{1} << 55, 1, 0};
  const proto::trace_context below{1, (std::uint64_t{1} << 55) - 1, 1, 0};
  EXPECT_TRUE(is_sampled(lowest, 1));
  EXPECT_FALSE(is_sampled(highest, 0));
  EXPECT_TRUE(is_sampled(middle, 0.5));
  EXPECT_FALSE(is_sampled(below, 0.5));
  EXPECT_TRUE(is_sampled({1, 0xFF00'0000'0000'0000U | random_bits, 1, 0}, 0.01));
}

TEST(span_queue, takes_what_fits_and_says_what_did_not) {
  span_queue queue(3);
  std::vector<call_record> five(5);
  EXPECT_EQ(queue.push(five), 2U);
  EXPECT_TRUE(five.empty());
  EXPECT_EQ(queue.take(2, 1h).size(), 2U);
  EXPECT_EQ(queue.take(2, 0ms).size(), 1U);
}

TEST(span_queue, keeps_the_order) {
  span_queue queue(10);
  for (const std::int32_t code : {1, 2, 3}) {
    std::vector<call_record> one(1);
    one.front().code = code;
    queue.push(one);
  }
  std::vector<std::int32_t> codes;
  for (const auto& record : queue.take(10, 0ms)) codes.push_back(record.code);
  EXPECT_THAT(codes, testing::ElementsAre(1, 2, 3));
}

TEST(span_queue, one_that_is_closed_gives_what_it_has_and_takes_no_more) {
  span_queue queue(10);
  std::vector<call_record> one(1);
  queue.push(one);
  queue.close();
  EXPECT_EQ(queue.take(10, 1h).size(), 1U);
  EXPECT_TRUE(queue.take(10, 1h).empty());
  one.resize(1);
  EXPECT_EQ(queue.push(one), 1U);
  EXPECT_TRUE(queue.closed());
}

TEST(span_queue, closing_wakes_the_one_that_waits) {
  span_queue queue(10);
  std::thread waiting([&] { EXPECT_TRUE(queue.take(10, 1h).empty()); });
  queue.close();
  waiting.join();
}

}  // namespace
}  // namespace weft
