// Sends spans to an OTLP/HTTP collector, in batches, from a thread of its own. A collector that is slow, down
// or refuses harms nothing but the spans, which are dropped and counted.
//
// Thread safety: all member functions may be called from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <spdlog/spdlog.h>

#include "actors/telemetry/snapshot.hpp"
#include "actors/telemetry/span_queue.hpp"
#include "node/telemetry/http_client.hpp"

namespace weft::tracing {

class span_exporter {
 public:
  using clock = std::chrono::steady_clock;

  /// `node` is this node's name. Throws std::runtime_error when libcurl or the thread cannot be had.
  span_exporter(const tracing_options& options, std::string node, std::shared_ptr<spdlog::logger> log);
  /// Drops what was not sent yet; `finish` first for a graceful end.
  ~span_exporter();
  span_exporter(const span_exporter&) = delete;
  span_exporter& operator=(const span_exporter&) = delete;

  /// Where finished spans go.
  const std::shared_ptr<span_queue>& queue() const noexcept { return queue_; }

  /// Takes no more spans, sends those that wait, each batch once, and returns at `deadline` at the latest.
  void finish(clock::time_point deadline);

  /// Adds the exporter's own counts.
  void add_to(metrics_snapshot& snapshot) const;

 private:
  struct outcome {
    bool sent = false;
    bool retryable = false;
    std::chrono::milliseconds wait{0};
    std::string why;
  };

  void run();
  void send(const std::vector<call_record>& batch);
  outcome request(const std::string& body, std::size_t spans, clock::time_point deadline);
  outcome judge(const http_answer& answer, std::size_t spans);
  /// False when the exporter is to finish before that time is over.
  bool pause(std::chrono::milliseconds time);
  bool finishing();
  void tell_failure(const std::string& why, bool dropped, std::size_t spans);
  void tell_success();

  const tracing_options options_;
  const std::string node_;
  const std::shared_ptr<spdlog::logger> log_;
  const std::shared_ptr<span_queue> queue_;
  http_client http_;
  std::atomic<std::int64_t> exported_{0};
  std::atomic<std::int64_t> dropped_{0};
  std::atomic<std::int64_t> rejected_{0};
  std::atomic<std::int64_t> failures_{0};
  /// The exporter's thread fails: the log tells when this changes, not every time.
  bool failing_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool finishing_ = false;
  std::thread thread_;
};

}  // namespace weft::tracing
