// What the load generators of peers with a protocol of their own share with `weft bench`: options, figures,
// report.
#pragma once

#include <atomic>
#include <chrono>
#include <expected>
#include <mutex>
#include <string>

#include "node/commands/bench/load_generator.hpp"
#include "node/commands/bench/options.hpp"

namespace weft::peers {

inline std::int64_t clock_ns() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The figures of a load, of one measured time. Thread safety: all members.
class recorder {
 public:
  /// The answer to a request that counts from `started`.
  void record(std::int64_t started, bool succeeded) {
    auto latency = static_cast<std::uint64_t>(clock_ns() - started);
    std::lock_guard guard(mutex_);
    if (!measuring_) return;
    result_.latency.record(latency);
    if (succeeded) {
      ++result_.succeeded;
    } else {
      ++result_.malformed;
    }
  }
  /// A request of an open loop that was due, but found every slot taken.
  void unsent(std::int64_t due) {
    auto waited = static_cast<std::uint64_t>(clock_ns() - due);
    std::lock_guard guard(mutex_);
    if (!measuring_) return;
    ++result_.unsent;
    result_.latency.record(waited);
  }
  void begin();
  tools::load_result end();

 private:
  std::mutex mutex_;
  bool measuring_ = false;
  std::int64_t began_ = 0;
  std::chrono::nanoseconds user_before_{};
  std::chrono::nanoseconds system_before_{};
  tools::load_result result_;
};

/// When the requests of an open loop are due, from a count, so that rounding does not add up.
class schedule {
 public:
  schedule(std::int64_t began, double rate) : began_(began), interval_(1e9 / rate) {}
  std::int64_t due() const {
    return began_ + static_cast<std::int64_t>(static_cast<double>(count_) * interval_);
  }
  void next() { ++count_; }

 private:
  std::int64_t began_;
  double interval_;
  std::uint64_t count_ = 0;
};

/// Reads the options that these clients have in common with `weft bench`, calls `load`, prints its report.
/// Returns the exit code.
int run_client(int argc, char** argv, const char* what,
               std::expected<tools::load_result, std::string> (*load)(const tools::bench_options&));

}  // namespace weft::peers
