// A node's numbers in Prometheus' text format.
//
// Pure but for the `process_*` values, which are read when they are asked for. May be called from any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "actors/telemetry/snapshot.hpp"

namespace weft {

/// A metric family besides those of `metric_table`.
struct extra_family {
  std::string_view name;
  std::string_view type;
  /// Comma-separated.
  std::string_view labels;
  std::string_view help;
};

std::span<const extra_family> extra_families();

/// Lines of the log that nobody can read.
struct log_losses {
  std::uint64_t queue_full = 0;
  std::uint64_t write_failed = 0;
};

/// Files that had changed while the node ran.
struct reread_files {
  std::uint64_t taken = 0;
  std::uint64_t refused = 0;
  /// When the certificate in use expires, in seconds since the epoch; 0 without one.
  std::int64_t certificate_expires = 0;
};

std::string expose_metrics(const metrics_snapshot& snapshot, const log_losses& losses = {},
                           const reread_files& files = {});

}  // namespace weft
