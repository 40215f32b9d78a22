// cancel scope: what a coroutine is told about its surroundings: its executor, its deadline, and whether it
// was cancelled.
//
// Contexts form a tree. `child()` makes one that is cancelled together with its parent and whose deadline is
// never later than its parent's; a child that nobody holds any more leaves the tree by itself.
//
// Ownership: a cancel scope is a counted handle; copying is cheap, and the state lives as long as its last
// handle or child. It is passed to coroutines by value. A moved-from cancel scope may only be assigned to or
// destroyed.
//
// Cancellation: `cancel` marks the whole subtree first and then calls the hooks, parents before children, so
// a hook sees every cancel scope of the tree in its final state. From inside a hook anything is allowed:
// cancelling again (the first reason stays), destroying hooks and contexts of the same tree, making children
// (which are born cancelled).
//
// The deadline is watched by one executor timer per tree of equal deadlines, armed when the first hook is
// attached.
//
// Thread safety: none. A cancel scope and all its children belong to one actor.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "actors/coro/executor.hpp"
#include "actors/coro/intrusive_list.hpp"

namespace weft::coro {

enum class cancel_reason : std::uint8_t {
  /// The caller does not want the result any more.
  cancelled_by_caller,
  /// The time was up.
  deadline_exceeded,
  /// The connection that the work belonged to has gone.
  disconnected,
  /// The node or the actor is going down.
  shutting_down,
  /// Another task of the same when_any was faster.
  superseded,
};

std::string_view to_string(cancel_reason reason) noexcept;

/// Something to be called when a cancel scope is cancelled. Owned by whoever waits; destroying an attached
/// hook detaches it.
class cancel_hook : public list_node {
 public:
  void detach() noexcept { unlink(); }

 protected:
  cancel_hook() = default;
  ~cancel_hook() = default;
  /// Called once, detached, from inside `cancel`: on somebody else's stack, so it must not resume a coroutine
  /// but post it. It may destroy the hook. It must not throw.
  virtual void on_cancel(cancel_reason reason) = 0;

 private:
  friend class cancel_scope;
};

class cancel_scope {
 public:
  /// The root of a new tree.
  explicit cancel_scope(executor& run, clock::time_point deadline = clock::time_point::max());
  cancel_scope(const cancel_scope& other) noexcept : state_(other.state_) { ++state_->handles; }
  cancel_scope(cancel_scope&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  cancel_scope& operator=(cancel_scope other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~cancel_scope() {
    if (state_ != nullptr && --state_->handles == 0) destroy(state_);
  }

  executor& get_executor() const noexcept { return state_->run; }
  /// `time_point::max()` when there is none.
  clock::time_point deadline() const noexcept { return state_->deadline; }
  /// Also true when the deadline has passed and nothing waited for it.
  bool cancelled() const noexcept { return reason().has_value(); }
  std::optional<cancel_reason> reason() const noexcept { return state_->current_reason(); }

  /// Does nothing when this cancel scope was cancelled before.
  void cancel(cancel_reason why) const { state_->cancel(why); }

  cancel_scope child() const { return child(clock::time_point::max()); }
  cancel_scope child(clock::time_point deadline) const;

  /// Calls `hook` when this cancel scope is cancelled or its deadline passes. False, and nothing is attached,
  /// when that has happened already. The caller keeps a handle while the hook is attached. REQUIRES: `hook`
  /// is not attached.
  [[nodiscard]] bool attach(cancel_hook& hook) const;

 private:
  struct state final : list_node, timer {
    state(executor& runs_on, clock::time_point until, state* in) noexcept
        : run(runs_on), deadline(until), parent(in) {}

    bool expired() const noexcept { return deadline != clock::time_point::max() && deadline <= run.now(); }
    std::optional<cancel_reason> current_reason() const noexcept {
      if (!reason && expired()) return cancel_reason::deadline_exceeded;
      return reason;
    }
    void cancel(cancel_reason why);
    void mark(cancel_reason why) noexcept;
    void watch_deadline();
    void on_expiry() override { cancel(cancel_reason::deadline_exceeded); }

    executor& run;
    const clock::time_point deadline;
    state* const parent;
    std::uint32_t handles = 1;
    bool deadline_watched = false;
    std::optional<cancel_reason> reason;
    intrusive_list<cancel_hook> hooks;
    intrusive_list<state> children;
  };

  explicit cancel_scope(state* adopted) noexcept : state_(adopted) {}
  static void destroy(state* s) noexcept;

  state* state_;
};

}  // namespace weft::coro
