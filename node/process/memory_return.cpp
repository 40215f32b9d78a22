#include "node/process/memory_return.hpp"

#include <chrono>
#include <cstdint>
#include <ctime>
#include <fstream>

#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

namespace weft {
namespace {

constexpr std::chrono::seconds look{1};

/// Busier than this share of one core in the last second is not quiet.
constexpr std::chrono::milliseconds quiet{100};

/// Larger blocks are mapped one by one; the allocator's own upper bound, to which it would come by itself.
constexpr int mapped_bytes = 32 << 20;

/// What may lie free at the end of an arena, which the search for free memory leaves alone. The allocator
/// would come to twice `mapped_bytes` of it in each.
constexpr int kept_at_end_bytes = 4 << 20;

/// Growth that is not worth the search.
constexpr std::uint64_t worthwhile_bytes = std::uint64_t{4} << 20;

std::uint64_t resident_bytes() {
  std::ifstream file{"/proc/self/statm"};
  std::uint64_t pages = 0;
  file >> pages >> pages;
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

/// What the program has of the allocator's memory, in all its arenas.
std::uint64_t allocated_bytes() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

std::chrono::nanoseconds processor_time() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace

memory_return::memory_return() {
  mallopt(M_MMAP_THRESHOLD, mapped_bytes);
  mallopt(M_TRIM_THRESHOLD, kept_at_end_bytes);
  thread_ = std::thread([this] { run(); });
}

memory_return::~memory_return() {
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void memory_return::run() {
  pthread_setname_np(pthread_self(), "memory");
  auto least = resident_bytes();
  auto allocated = allocated_bytes();
  auto used_before = processor_time();
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, look, [this] { return done_; })) {
    const auto used = processor_time();
    const bool is_quiet = used - used_before < quiet;
    used_before = used;
    if (!is_quiet) continue;
    // Blocks that were in use the last time may be free now, which the resident size does not show.
    const bool grown = resident_bytes() >= least + worthwhile_bytes;
    const bool freed = allocated_bytes() + worthwhile_bytes <= allocated;
    if (!grown && !freed) continue;
    malloc_trim(0);
    least = resident_bytes();
    allocated = allocated_bytes();
    // The search itself is no work that others asked for.
    used_before = processor_time();
  }
}

}  // namespace weft
