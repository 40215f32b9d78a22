// What the load generators of peers with a protocol of their own share with `weft bench`: options, figures,
// report.
#pragma once

#include <atomic>
#include <chrono>
#include <expected>
#include <mutex>
#include <string>

#include "node/commands/bench/load_clock.hpp"
#include "node/commands/bench/load_generator.hpp"
#include "node/commands/bench/options.hpp"
#include "node/commands/bench/stream_load.hpp"

namespace weft::peers {

using tools::clock_ns;

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
  tools::cpu_meter cpu_;
  tools::load_result result_;
};

/// The figures of streams, likewise.
class stream_recorder {
 public:
  /// An item of `bytes` in a stream that began at `started`; `last` is when the item before it came, 0 for
  /// none, and becomes when this one did.
  void item(std::int64_t started, std::int64_t& last, std::size_t bytes) {
    std::int64_t now = clock_ns();
    std::lock_guard guard(mutex_);
    // First items count from the beginning, as `weft bench` counts them.
    if (last == 0) {
      result_.first_item.record(static_cast<std::uint64_t>(now - started));
    } else if (measuring_) {
      result_.between_items.record(static_cast<std::uint64_t>(now - last));
    }
    last = now;
    if (!measuring_) return;
    ++result_.items;
    result_.bytes += bytes;
  }
  void ended(bool succeeded) {
    std::lock_guard guard(mutex_);
    if (!measuring_) return;
    ++(succeeded ? result_.ended : result_.malformed);
  }
  void begin();
  tools::stream_result end();

 private:
  std::mutex mutex_;
  bool measuring_ = false;
  std::int64_t began_ = 0;
  tools::cpu_meter cpu_;
  tools::stream_result result_;
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

/// A kind of load, and what it came to.
template <class Result>
using load_function = std::expected<Result, std::string> (*)(const tools::bench_options&);

/// Reads the options that these clients have in common with `weft bench`, calls `load`, or `streams` with
/// `--stream`, and prints its report. Returns the exit code.
int run_client(int argc, char** argv, const char* what, load_function<tools::load_result> load,
               load_function<tools::stream_result> streams);

}  // namespace weft::peers
