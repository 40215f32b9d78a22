// One actor that runs coroutines, under CAF's deterministic scheduler and clock.
#pragma once

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/coro/cancel_scope.hpp"
#include "actors/coro/scope.hpp"
#include "actors/coro/task.hpp"
#include "tests/actors/coro/actor_executor.hpp"

namespace weft::coro {

/// Counts how many copies of it exist: as a parameter of a coroutine it shows whether the frame does. Moving
/// from a copy takes it out of the count, so that an argument is not counted beside the parameter made from
/// it.
class probe {
 public:
  explicit probe(int* alive) : alive_(alive) { ++*alive_; }
  probe(const probe& other) : probe(other.alive_) {}
  probe(probe&& other) noexcept : alive_(std::exchange(other.alive_, nullptr)) {}
  probe& operator=(probe) = delete;
  ~probe() {
    if (alive_ != nullptr) --*alive_;
  }

 private:
  int* alive_;
};

inline std::string what(const std::exception_ptr& e) {
  try {
    std::rethrow_exception(e);
  } catch (const std::exception& x) {
    return x.what();
  }
}

struct host_state {
  explicit host_state(caf::event_based_actor* self)
      : run(self), roots(run, [this](const std::exception_ptr& e) { errors.push_back(what(e)); }) {}

  actor_executor run;
  std::vector<std::string> errors;
  scope roots;
};

class host_actor final : public caf::stateful_actor<host_state> {
 public:
  using stateful_actor::stateful_actor;
  caf::behavior make_behavior() override { return caf::behavior{state.run.handler()}; }
};

class coroutine_host : public testing::Test {
 protected:
  coroutine_host()
      : system_(config_),
        scheduler_(dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler())),
        actor_(system_.spawn<host_actor>()) {
    run_ready();
  }
  ~coroutine_host() override { end_actor(); }

  host_state& state() {
    return static_cast<host_actor*>(caf::actor_cast<caf::abstract_actor*>(actor_))->state;
  }
  executor& run() { return state().run; }
  scope& roots() { return state().roots; }
  clock::time_point now() { return run().now(); }
  caf::scheduler::test_coordinator& scheduler() { return scheduler_; }

  /// Handles messages until there are none.
  void run_ready() { scheduler_.run(); }
  void advance(clock::duration time) {
    scheduler_.advance_time(time);
    run_ready();
  }
  void spawn(task<> root) {
    roots().spawn(std::move(root));
    run_ready();
  }
  void send_exit() { caf::anon_send_exit(actor_, caf::exit_reason::kill); }
  /// The actor's state is gone afterwards.
  void end_actor() {
    if (!actor_) return;
    send_exit();
    run_ready();
    actor_ = nullptr;
  }

  /// A root that stores what `t` yields.
  template <class T>
  static task<> store(task<T> t, std::optional<T>* result) {
    result->emplace(co_await std::move(t));
  }
  /// A root that takes note of when `t` ends.
  static task<> note_end(task<> t, bool* ended) {
    co_await std::move(t);
    *ended = true;
  }

 private:
  struct testing_config : caf::actor_system_config {
    testing_config() { set("scheduler.policy", caf::atom("testing")); }
  };

  testing_config config_;
  caf::actor_system system_;
  caf::scheduler::test_coordinator& scheduler_;
  caf::actor actor_;
};

}  // namespace weft::coro
