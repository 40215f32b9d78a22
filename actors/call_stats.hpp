// Durations of calls by method and outcome, one object per router, touched from its thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/snapshot.hpp"

namespace weft {

/// Lookup by view in maps keyed by string.
struct string_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
};

template <class T>
using string_map = std::unordered_map<std::string, T, string_hash, std::equal_to<>>;

class method_stats {
 public:
  /// `code` 0 is success.
  void observe(std::int32_t code, std::chrono::nanoseconds duration) {
    if (code == 0) {
      ok_.observe(duration);
    } else {
      of(code).observe(duration);
    }
  }

  template <class Visitor>
  void visit(Visitor&& visitor) const {
    visitor(0, ok_);
    for (const auto& e : errors_) visitor(e->code, e->durations);
  }

 private:
  struct error_series {
    std::int32_t code = 0;
    duration_histogram durations;
  };
  /// Codes are the callee's choice: past this many they share one series.
  static constexpr std::size_t max_codes = 16;
  static constexpr std::int32_t other_code = 1;

  duration_histogram& of(std::int32_t code);

  duration_histogram ok_;
  std::vector<std::unique_ptr<error_series>> errors_;
};

class call_stats {
 public:
  call_stats() = default;

  /// The series of a method that is registered somewhere; past the limit of label values, the shared one.
  method_stats& server(std::string_view method);
  /// Everything that no one has registered.
  method_stats& server_other() noexcept { return server_other_; }
  /// Calls this node makes to a peer, by method if it is a known one.
  method_stats& client(std::string_view address, std::uint16_t port, std::string_view method);

  void append_to(std::vector<call_series>& out) const;

 private:
  static constexpr std::size_t max_methods = 1024;

  struct client_series {
    std::string address;
    std::uint16_t port = 0;
    std::string method;
    method_stats stats;
  };

  method_stats server_other_;
  string_map<std::unique_ptr<method_stats>> server_;
  string_map<std::unique_ptr<client_series>> client_;
};

/// Adds up the series of several routers that have the same labels.
void merge_series(std::vector<call_series>& series);

}  // namespace weft
