// scope: owns the root tasks of an actor. A member of the actor's state, declared after the executor: when
// the actor ends, the scope dies, and the frames of everything still running are destroyed with it.
//
// Ownership: a spawned task belongs to the scope until it has finished. Its frame is freed afterwards, never
// from inside itself: at the next spawn, or from a continuation that the scope posts.
//
// Errors: an exception that leaves a root task is a bug; `on_exception` gets it, at once, and must not throw
// or destroy the scope. The other tasks go on.
//
// Thread safety: none; belongs to one actor. A scope must not be destroyed from inside one of its tasks.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>

#include "actors/coro/executor.hpp"
#include "actors/coro/task.hpp"

namespace weft::coro {

class scope final : private detail::task_observer {
 public:
  using exception_handler = std::function<void(std::exception_ptr)>;

  scope(executor& run, exception_handler on_exception);
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;
  ~scope();

  /// Runs `root` until it is suspended for the first time. While the scope is being destroyed, `root` is
  /// dropped without having started.
  void spawn(task<void> root);

  /// Tasks that have not finished.
  std::size_t running() const noexcept { return running_count_; }

 private:
  using root = detail::promise<void>;
  class reaper;

  std::coroutine_handle<> on_done(detail::promise_base& finished) noexcept override;
  void reap() noexcept;
  void destroy_all(intrusive_list<root>& roots) noexcept;
  static reaper make_reaper(scope* owner);

  executor& run_;
  exception_handler on_exception_;
  intrusive_list<root> running_;
  intrusive_list<root> finished_;
  std::size_t running_count_ = 0;
  root* starting_ = nullptr;
  std::coroutine_handle<> reaper_;
  bool reaper_posted_ = false;
  bool closing_ = false;
};

}  // namespace weft::coro
