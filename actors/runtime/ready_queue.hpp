// What a reactor runs next: jobs of actors, and coroutines that were posted.
//
// Ownership: holds a reference to each job until it has run; coroutines belong to whoever posted them. Thread
// safety: none; belongs to its reactor.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <vector>

#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>

namespace weft {

class ready_queue {
 public:
  ready_queue() = default;
  ~ready_queue();
  ready_queue(const ready_queue&) = delete;
  ready_queue& operator=(const ready_queue&) = delete;

  void push(caf::resumable* job) { jobs_.push_back(job); }
  void push(std::coroutine_handle<> handle) { coroutines_.push_back(handle); }
  /// The coroutine will not be resumed.
  void take_back(std::coroutine_handle<> handle) noexcept;

  bool empty() const noexcept { return jobs_.empty() && coroutines_.empty(); }
  std::size_t size() const noexcept { return jobs_.size() + coroutines_.size(); }

  /// Coroutines may take so long, all together, until the next turn begins.
  void begin_turn(std::chrono::nanoseconds of_coroutines) noexcept { coroutines_may_take_ = of_coroutines; }
  /// Until nothing is ready; what keeps making more of it goes on with the next call.
  void run(caf::execution_unit& on) {
    if (!empty()) run_rounds(on);
  }

 private:
  void run_rounds(caf::execution_unit& on);
  void run_job(caf::resumable* job, caf::execution_unit& on);
  void resume_coroutines(bool first_round);
  bool has_coroutines_to_run() const noexcept {
    return !coroutines_.empty() && coroutines_may_take_ > std::chrono::nanoseconds(0);
  }

  std::vector<caf::resumable*> jobs_;
  /// The jobs of the round that runs.
  std::vector<caf::resumable*> running_;
  std::deque<std::coroutine_handle<>> coroutines_;
  /// Without turns there is no end of it.
  std::chrono::nanoseconds coroutines_may_take_ = std::chrono::nanoseconds::max();
};

}  // namespace weft
