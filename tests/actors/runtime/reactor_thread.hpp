// What tests of reactors and pinned actors need: jobs from functions, and handlers of descriptors from
// functions.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <utility>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/resumable.hpp>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/runtime/reactor.hpp"

namespace weft {

/// Something to run on a reactor, counted like an actor; runs again as long as the function returns true.
class job final : public caf::resumable {
 public:
  static caf::resumable* once(std::function<void()> run) {
    return new job([run = std::move(run)] {
      run();
      return false;
    });
  }
  static caf::resumable* repeated(std::function<bool()> run) { return new job(std::move(run)); }

  subtype_t subtype() const override { return function_object; }
  resume_result resume(caf::execution_unit*, std::size_t) override { return run_() ? resume_later : done; }
  void intrusive_ptr_add_ref_impl() override { references_.fetch_add(1); }
  void intrusive_ptr_release_impl() override {
    if (references_.fetch_sub(1) == 1) delete this;
  }

 private:
  explicit job(std::function<bool()> run) : run_(std::move(run)) {}

  std::function<bool()> run_;
  std::atomic<int> references_{1};
};

/// One end of a socket pair, watched; the function gets the events.
class watched_end final : public event_handler {
 public:
  watched_end(reactor& loop, std::uint32_t mask, std::function<void(watched_end&)> on_event)
      : loop_(loop), on_event_(std::move(on_event)) {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_.data()), 0);
    loop_.descriptors().add(ends_[0], mask, *this);
  }
  ~watched_end() {
    loop_.descriptors().remove(ends_[0], *this);
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  watched_end(const watched_end&) = delete;
  watched_end& operator=(const watched_end&) = delete;

  void on_events(std::uint32_t) override { on_event_(*this); }

  void change(std::uint32_t mask) { loop_.descriptors().change(ends_[0], mask, *this); }
  void unwatch() { loop_.descriptors().remove(ends_[0], *this); }
  /// From the other end, so that this one becomes readable.
  void write_here() { EXPECT_EQ(::write(ends_[1], "x", 1), 1); }
  void read_here() {
    char byte = 0;
    EXPECT_EQ(::read(ends_[0], &byte, 1), 1);
  }

 private:
  reactor& loop_;
  std::function<void(watched_end&)> on_event_;
  std::array<int, 2> ends_{-1, -1};
};

/// A reactor that runs on the test's own thread, so that nothing is left to chance.
class reactor_test : public testing::Test {
 protected:
  void run_until_stopped() { loop.run(); }
  /// Runs these functions one after the other, then stops.
  void run(std::function<void()> first) {
    loop.exec_later(job::once(std::move(first)));
    loop.exec_later(job::once([this] { loop.stop(); }));
    loop.run();
  }

  caf::actor_system_config config;
  caf::actor_system system{config};
  reactor loop{system, 3};
};

}  // namespace weft
