// What every load has besides its rates and latencies: how long it was measured, what failed, and what the
// client itself took.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace weft::tools {

struct load_outcome {
  std::chrono::nanoseconds elapsed{};
  /// Of error answers.
  std::map<std::int32_t, std::uint64_t> errors_by_code;
  /// What the first of each code said, also while warming up.
  std::map<std::int32_t, std::string> first_messages;
  /// Whether any frame came, of whatever kind.
  bool heard = false;
  /// Failed connections by reason.
  std::map<std::string, std::uint64_t> transport_errors;
  /// Answers that were none to us.
  std::uint64_t malformed = 0;
  /// Requests and notifications of the server's own.
  std::uint64_t unasked = 0;
  std::chrono::nanoseconds cpu_user{};
  std::chrono::nanoseconds cpu_system{};

  std::uint64_t errors() const {
    std::uint64_t total = 0;
    for (const auto& [code, count] : errors_by_code) total += count;
    return total;
  }
  /// Share of one core that this client itself used.
  double cpu_share() const {
    if (elapsed.count() <= 0) return 0;
    return static_cast<double>((cpu_user + cpu_system).count()) / static_cast<double>(elapsed.count());
  }
};

}  // namespace weft::tools
