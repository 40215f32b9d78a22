#include "actors/runtime/ready_queue.hpp"

namespace weft {
namespace {

// Actors that keep waking each other must not keep the loop from its sockets.
constexpr int max_rounds = 64;
// Nor one of them, with what it has in its mailbox.
constexpr std::size_t max_messages = 1024;

}  // namespace

ready_queue::~ready_queue() {
  for (auto* job : jobs_) job->intrusive_ptr_release_impl();
}

void ready_queue::take_back(std::coroutine_handle<> handle) noexcept {
  std::erase(coroutines_, handle);
}

void ready_queue::run_rounds(caf::execution_unit& on) {
  for (int round = 0; round < max_rounds && !empty(); ++round) {
    running_.swap(jobs_);
    for (auto* job : running_) run_job(job, on);
    running_.clear();
    if (!coroutines_.empty()) resume_coroutines();
  }
}

void ready_queue::run_job(caf::resumable* job, caf::execution_unit& on) {
  if (job->resume(&on, max_messages) == caf::resumable::resume_later) return jobs_.push_back(job);
  job->intrusive_ptr_release_impl();
}

// Only the coroutines that are ready now; what they post comes with the next round.
void ready_queue::resume_coroutines() {
  for (auto n = coroutines_.size(); n > 0 && !coroutines_.empty(); --n) {
    const auto handle = coroutines_.front();
    coroutines_.pop_front();
    handle.resume();
  }
}

}  // namespace weft
