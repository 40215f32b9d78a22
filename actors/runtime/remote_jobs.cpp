#include "actors/runtime/remote_jobs.hpp"

#include <cerrno>
#include <cstdint>
#include <system_error>

#include <sys/eventfd.h>
#include <unistd.h>

namespace weft {

remote_jobs::remote_jobs() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

remote_jobs::~remote_jobs() {
  for (auto* job : jobs_) job->intrusive_ptr_release_impl();
  ::close(descriptor_);
}

void remote_jobs::push(caf::resumable* job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(job);
  }
  wake();
}

void remote_jobs::wake() noexcept {
  if (wake_pending_.exchange(true, std::memory_order_acq_rel)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(descriptor_, &one, sizeof one);
}

void remote_jobs::move_to(ready_queue& ready) {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(descriptor_, &count, sizeof count);
  // Cleared before the queue is taken: a job that comes after this wakes the loop again.
  wake_pending_.store(false, std::memory_order_release);
  {
    const std::lock_guard lock(mutex_);
    taken_.swap(jobs_);
  }
  for (auto* job : taken_) ready.push(job);
  taken_.clear();
}

}  // namespace weft
