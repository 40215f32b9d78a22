#include "actors/runtime/ready_queue.hpp"

#include <utility>

namespace weft {
namespace {

// Actors that keep waking each other must not keep the loop from its sockets.
constexpr int max_rounds = 64;
// What `resume` is told, as CAF's schedulers do; a pinned actor looks at all that has come.
constexpr std::size_t max_messages = 1024;
// So many coroutines are resumed without a look at the clock.
constexpr std::size_t few = 8;

}  // namespace

ready_queue::~ready_queue() {
  for (auto* job : jobs_) job->intrusive_ptr_release_impl();
}

void ready_queue::take_back(std::coroutine_handle<> handle) noexcept {
  std::erase(coroutines_, handle);
}

void ready_queue::run_rounds(caf::execution_unit& on) {
  for (int round = 0; round < max_rounds && (!jobs_.empty() || has_coroutines_to_run()); ++round) {
    running_.swap(jobs_);
    for (auto* job : running_) run_job(job, on);
    running_.clear();
    if (has_coroutines_to_run()) resume_coroutines(round == 0);
  }
}

void ready_queue::run_job(caf::resumable* job, caf::execution_unit& on) {
  if (job->resume(&on, max_messages) == caf::resumable::resume_later) return jobs_.push_back(job);
  job->intrusive_ptr_release_impl();
}

// Only the coroutines that are ready now; what they post comes with the next round. Looking at the clock
// would be a noticeable part of a single one that answers a call.
void ready_queue::resume_coroutines(bool first_round) {
  using clock = std::chrono::steady_clock;
  const bool measured = !first_round || coroutines_.size() > few;
  auto looked = measured ? clock::now() : clock::time_point{};
  for (auto n = coroutines_.size(); n > 0 && !coroutines_.empty(); --n) {
    const auto handle = coroutines_.front();
    coroutines_.pop_front();
    handle.resume();
    if (!measured || (n % few != 0 && n != 1)) continue;
    const auto now = clock::now();
    coroutines_may_take_ -= now - std::exchange(looked, now);
    if (!has_coroutines_to_run()) return;
  }
}

}  // namespace weft
