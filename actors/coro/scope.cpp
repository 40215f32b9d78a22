#include "actors/coro/scope.hpp"

#include <cassert>
#include <utility>

namespace weft::coro {

/// The executor resumes coroutines only, so freeing finished frames is a coroutine too: one per scope, made
/// when it is needed first.
class scope::reaper {
 public:
  struct promise_type {
    reaper get_return_object() noexcept { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
  std::coroutine_handle<> handle;
};

scope::reaper scope::make_reaper(scope* owner) {
  for (;;) {
    owner->reaper_posted_ = false;
    owner->reap();
    co_await std::suspend_always{};
  }
}

scope::scope(executor& run, exception_handler on_exception)
    : run_(run), on_exception_(std::move(on_exception)) {}

scope::~scope() {
  assert(starting_ == nullptr && "a scope must not be destroyed from inside one of its tasks");
  closing_ = true;
  if (reaper_posted_) run_.unpost(reaper_);
  destroy_all(running_);
  destroy_all(finished_);
  if (reaper_) reaper_.destroy();
}

void scope::spawn(task<void> root_task) {
  if (closing_) return;
  root& started = detail::task_access::promise_of(root_task);
  running_.push_back(started);
  ++running_count_;
  const auto frame = detail::task_access::release(root_task);
  started.report_to(*this);
  root* const outer = std::exchange(starting_, &started);
  frame.resume();
  starting_ = outer;
  reap();
}

std::coroutine_handle<> scope::on_done(detail::promise_base& finished) noexcept {
  root& done = static_cast<root&>(finished);
  done.unlink();
  --running_count_;
  // The handler may spawn, which frees what is listed as finished: this frame must not be listed yet.
  if (done.exception() && on_exception_) on_exception_(done.exception());
  finished_.push_back(done);
  if (&done != starting_ && !reaper_posted_) {
    if (!reaper_) reaper_ = make_reaper(this).handle;
    reaper_posted_ = true;
    run_.post(reaper_);
  }
  return std::noop_coroutine();
}

void scope::reap() noexcept {
  destroy_all(finished_);
}

void scope::destroy_all(intrusive_list<root>& roots) noexcept {
  while (root* front = roots.pop_front()) std::coroutine_handle<root>::from_promise(*front).destroy();
}

}  // namespace weft::coro
