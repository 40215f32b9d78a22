#include "node/telemetry/span_exporter.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <random>
#include <utility>

#include <fmt/format.h>
#include <pthread.h>

#include "actors/runtime/backoff.hpp"
#include "node/process/version.hpp"
#include "node/telemetry/otlp.hpp"

namespace weft::tracing {
namespace {

using std::chrono::milliseconds;

// The waits of OpenTelemetry's exporters.
constexpr milliseconds first_retry{1'000};
constexpr milliseconds longest_retry{5'000};

/// https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes; no other may be tried again.
bool is_retryable(long status) {
  constexpr std::array<long, 4> retryable = {429, 502, 503, 504};
  return std::ranges::find(retryable, status) != retryable.end();
}

}  // namespace

span_exporter::span_exporter(const tracing_options& options, std::string node,
                             std::shared_ptr<spdlog::logger> log)
    : options_(options),
      node_(std::move(node)),
      log_(std::move(log)),
      queue_(std::make_shared<span_queue>(options.queue_spans)),
      http_(options.endpoint, fmt::format("OTel-OTLP-Exporter-weft/{}", version())),
      thread_([this] {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
        ::pthread_setname_np(::pthread_self(), "span-exporter");
        run();
      }) {}

span_exporter::~span_exporter() {
  finish(clock::now());
}

void span_exporter::finish(clock::time_point deadline) {
  {
    const std::lock_guard lock(mutex_);
    finishing_ = true;
  }
  changed_.notify_all();
  http_.give_up_at(deadline);
  queue_->close();
  if (thread_.joinable()) thread_.join();
}

bool span_exporter::finishing() {
  const std::lock_guard lock(mutex_);
  return finishing_;
}

bool span_exporter::pause(milliseconds time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, time, [this] { return finishing_; });
}

void span_exporter::run() {
  for (;;) {
    const auto batch = queue_->take(options_.batch_spans, options_.export_interval);
    if (!batch.empty())
      send(batch);
    else if (queue_->closed())
      return;
  }
}

void span_exporter::send(const std::vector<call_record>& batch) {
  const auto body = export_request(batch, node_, version());
  const auto deadline = clock::now() + options_.export_timeout;
  backoff between(first_retry, longest_retry, std::random_device{}());
  for (;;) {
    const auto now = clock::now();
    const auto got = request(body, batch.size(), std::min(deadline, now + options_.request_timeout));
    if (got.sent) return tell_success();
    failures_.fetch_add(1, std::memory_order_relaxed);
    const auto wait = got.wait.count() > 0 ? got.wait : between.next();
    const bool again = got.retryable && clock::now() + wait < deadline && !finishing();
    tell_failure(got.why, !again, batch.size());
    // A collector that did not take it when the node ended is not asked twice.
    if (!again || !pause(wait)) break;
  }
  dropped_.fetch_add(static_cast<std::int64_t>(batch.size()), std::memory_order_relaxed);
}

span_exporter::outcome span_exporter::request(const std::string& body, std::size_t spans,
                                              clock::time_point deadline) {
  const auto answer = http_.post(body, deadline);
  if (answer) return judge(*answer, spans);
  return {.sent = false, .retryable = true, .wait = {}, .why = answer.error()};
}

span_exporter::outcome span_exporter::judge(const http_answer& answer, std::size_t spans) {
  if (answer.status < 200 || answer.status > 299) {
    return {.sent = false,
            .retryable = is_retryable(answer.status),
            .wait = answer.retry_after.value_or(std::chrono::seconds(0)),
            .why = fmt::format("the collector answered with the status {}", answer.status)};
  }
  const auto partial = read_export_response(answer.body);
  const auto rejected = std::min(partial.rejected, static_cast<std::int64_t>(spans));
  exported_.fetch_add(static_cast<std::int64_t>(spans) - rejected, std::memory_order_relaxed);
  rejected_.fetch_add(rejected, std::memory_order_relaxed);
  if (rejected > 0 || !partial.message.empty()) {
    log_->warn("tracing: the collector at {} rejected {} of {} spans: {}", options_.endpoint, rejected, spans,
               partial.message);
  }
  return {.sent = true, .retryable = false, .wait = {}, .why = {}};
}

void span_exporter::tell_failure(const std::string& why, bool dropped, std::size_t spans) {
  if (!std::exchange(failing_, true)) {
    log_->warn("tracing: {} spans cannot be sent to {}: {}; {}", spans, options_.endpoint, why,
               dropped ? "they are dropped" : "it is tried again");
  }
}

void span_exporter::tell_success() {
  if (std::exchange(failing_, false)) log_->info("tracing: {} takes spans again", options_.endpoint);
}

void span_exporter::add_to(metrics_snapshot& snapshot) const {
  const auto add = [&](metric which, const std::atomic<std::int64_t>& count) {
    snapshot.values[static_cast<std::size_t>(which)] += count.load(std::memory_order_relaxed);
  };
  add(metric::spans_exported, exported_);
  add(metric::spans_dropped_export, dropped_);
  add(metric::spans_dropped_rejected, rejected_);
  add(metric::span_export_failures, failures_);
}

}  // namespace weft::tracing
