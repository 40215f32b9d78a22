// What the kernel tells about this process, for the `process_*` metrics.
#pragma once

#include <cstdint>

namespace weft {

struct process_usage {
  double cpu_seconds = 0;
  double start_time_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t threads = 0;
  std::uint64_t open_fds = 0;
  std::uint64_t max_fds = 0;
};

/// Reads /proc/self; what cannot be read stays 0.
process_usage read_process_usage();

}  // namespace weft
