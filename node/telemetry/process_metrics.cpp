#include "node/telemetry/process_metrics.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

namespace weft {
namespace {

/// Fields of /proc/self/stat counted from the one after the command, which itself may hold blanks and
/// parentheses: index 0 is field 3 of proc(5).
std::vector<std::string> stat_fields() {
  std::ifstream file{"/proc/self/stat"};
  std::string line;
  std::getline(file, line);
  const std::size_t end_of_command = line.rfind(')');
  if (end_of_command == line.npos) return {};
  std::istringstream rest{line.substr(end_of_command + 1)};
  return {std::istream_iterator<std::string>{rest}, {}};
}

double boot_time_seconds() {
  std::ifstream file{"/proc/stat"};
  for (std::string word; file >> word;) {
    double value = 0;
    if (word == "btime" && file >> value) return value;
  }
  return 0;
}

std::uint64_t count_open_fds() {
  std::error_code error;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator entry{"/proc/self/fd", error}, end; !error && entry != end;
       entry.increment(error))
    ++count;
  // Less the one that reads the directory.
  return count > 0 ? count - 1 : 0;
}

}  // namespace

process_usage read_process_usage() {
  // proc(5) numbers of the fields, less 3.
  constexpr std::size_t utime = 11, stime = 12, num_threads = 17, starttime = 19, vsize = 20, rss = 21;
  process_usage usage;
  if (const auto fields = stat_fields(); fields.size() > rss) {
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    usage.cpu_seconds = (std::stod(fields[utime]) + std::stod(fields[stime])) / ticks;
    usage.start_time_seconds = boot_time_seconds() + std::stod(fields[starttime]) / ticks;
    usage.threads = std::stoull(fields[num_threads]);
    usage.virtual_bytes = std::stoull(fields[vsize]);
    usage.resident_bytes = std::stoull(fields[rss]) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  }
  usage.open_fds = count_open_fds();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) usage.max_fds = limit.rlim_cur;
  return usage;
}

}  // namespace weft
