// What the coroutine vocabulary allocates on its fast path, beyond the frames: nothing. Counted by replacing
// the global allocation functions.
#include <array>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include <gtest/gtest.h>

#include "actors/coro/async_generator.hpp"
#include "actors/coro/broadcast.hpp"
#include "actors/coro/channel.hpp"
#include "actors/coro/event.hpp"
#include "actors/coro/generator.hpp"
#include "actors/coro/mutex.hpp"
#include "actors/coro/scope.hpp"
#include "actors/coro/select.hpp"
#include "actors/coro/timeout.hpp"
#include "actors/coro/timer_wheel.hpp"

namespace {
std::int64_t allocations = 0;
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace weft::coro {
namespace {

constexpr int rounds = 1000;

/// Time stands still in it; its queue has room for what these tests make ready.
class local_executor final : public executor {
 public:
  local_executor() {
    ready_.reserve(64);
    batch_.reserve(64);
  }
  clock::time_point now() const noexcept override { return clock::time_point(); }
  void post(std::coroutine_handle<> handle) override { ready_.push_back(handle); }
  void unpost(std::coroutine_handle<> handle) noexcept override {
    for (auto* queue : {&ready_, &batch_}) {
      for (auto& entry : *queue) {
        if (entry == handle) entry = std::noop_coroutine();
      }
    }
  }
  void run() {
    while (!ready_.empty()) {
      batch_.swap(ready_);
      for (std::size_t i = 0; i != batch_.size(); ++i) batch_[i].resume();
      batch_.clear();
    }
  }

 private:
  void insert(timer& t) override { timers_.insert(t); }
  void remove(timer& t) noexcept override { timers_.remove(t); }

  std::vector<std::coroutine_handle<>> ready_;
  std::vector<std::coroutine_handle<>> batch_;
  timer_wheel timers_{clock::time_point()};
};

class coroutines : public testing::Test {
 protected:
  cancel_scope ctx() { return cancel_scope(run); }

  template <class... Tasks>
  void start(Tasks... tasks) {
    (roots.spawn(std::move(tasks)), ...);
  }
  /// What is allocated until nothing is ready any more, other than by the scope, which makes its reaper once.
  template <class Go>
  std::int64_t allocated_after(Go&& go) {
    if (!warm_) start(suspended_once(&warmed_, ctx()));
    warm_ = true;
    warmed_.set();
    run.run();
    const std::int64_t before = allocations;
    go();
    run.run();
    return allocations - before;
  }

  local_executor run;
  scope roots{run, nullptr};

 private:
  static task<> suspended_once(event* go, cancel_scope ctx) { co_await go->wait(ctx); }

  event warmed_;
  bool warm_ = false;
};

async_generator<int, int> echo() {
  int last = 0;
  for (;;) last = (co_yield last).value_or(0);
}

task<> ask(std::int64_t* allocated) {
  auto numbers = echo();
  co_await numbers.next();
  const std::int64_t before = allocations;
  for (int i = 0; i != rounds; ++i) {
    co_await numbers.next();
    co_await numbers.asend(i);
  }
  *allocated = allocations - before;
}

TEST_F(coroutines, async_generator) {
  std::int64_t allocated = -1;
  roots.spawn(ask(&allocated));
  EXPECT_EQ(allocated, 0);
}

generator<int> endless() {
  for (int i = 0;; ++i) co_yield i;
}
generator<int> delegating() {
  co_yield elements_of(endless());
}

TEST_F(coroutines, generator) {
  auto numbers = delegating();
  numbers.next();
  const std::int64_t before = allocations;
  for (int i = 0; i != rounds; ++i) numbers.next();
  EXPECT_EQ(allocations - before, 0);
}

/// Waits before the first round, so that the frames are there when the counting begins.
task<> send_rounds(channel<int>* to, event* go, cancel_scope ctx) {
  co_await go->wait(ctx);
  for (int i = 0; i != rounds; ++i) co_await to->send(ctx, i);
  to->close();
}
task<> receive_rounds(channel<int>* from, cancel_scope ctx, int* count) {
  while (co_await from->receive(ctx)) ++*count;
}
task<> select_rounds(channel<int>* a, channel<int>* b, cancel_scope ctx, int* count) {
  while (co_await select(ctx, *a, *b)) ++*count;
}

TEST_F(coroutines, channel) {
  for (const std::size_t capacity : {0U, 8U}) {
    channel<int> numbers(capacity);
    event go;
    int count = 0;
    start(receive_rounds(&numbers, ctx(), &count), send_rounds(&numbers, &go, ctx()));
    EXPECT_EQ(allocated_after([&] { go.set(); }), 0);
    EXPECT_EQ(count, rounds);
  }
}

TEST_F(coroutines, select) {
  channel<int> a(0);
  channel<int> b(8);
  event go;
  int count = 0;
  start(select_rounds(&a, &b, ctx(), &count), send_rounds(&a, &go, ctx()), send_rounds(&b, &go, ctx()));
  EXPECT_EQ(allocated_after([&] { go.set(); }), 0);
  EXPECT_EQ(count, 2 * rounds);
}

task<> lock_rounds(mutex* m, event* go, cancel_scope ctx, int* count) {
  co_await go->wait(ctx);
  for (int i = 0; i != rounds; ++i) {
    const auto hold = co_await m->lock(ctx);
    ++*count;
  }
}

TEST_F(coroutines, mutex_and_event) {
  mutex m;
  event go;
  int count = 0;
  auto held = m.try_lock();
  start(lock_rounds(&m, &go, ctx(), &count), lock_rounds(&m, &go, ctx(), &count));
  EXPECT_EQ(allocated_after([&] {
              go.set();
              run.run();
              held.reset();
            }),
            0);
  EXPECT_EQ(count, 2 * rounds);
}

task<> listen(broadcast<int>* to, cancel_scope ctx, int* count) {
  auto mine = to->subscribe();
  while (co_await mine.next(ctx)) ++*count;
}

TEST_F(coroutines, broadcast) {
  broadcast<int> numbers(4, slow_subscriber::lags);
  int count = 0;
  start(listen(&numbers, ctx(), &count), listen(&numbers, ctx(), &count));
  EXPECT_EQ(allocated_after([&] {
              for (int i = 0; i != rounds; ++i) {
                numbers.publish(i);
                run.run();
              }
            }),
            0);
  EXPECT_EQ(count, 2 * rounds);
}

task<> wait_for(event* done, cancel_scope ctx) {
  co_await done->wait(ctx);
}
task<> wait_in_time(event* done, cancel_scope ctx, bool* in_time) {
  *in_time = (co_await timeout(ctx, std::chrono::seconds(2), wait_for(done, ctx))).has_value();
}

TEST_F(coroutines, timeout) {
  event done;
  bool in_time = false;
  const cancel_scope in = ctx();
  EXPECT_EQ(allocated_after([&] { roots.spawn(wait_in_time(&done, in, &in_time)); }), 3)
      << "three frames: the counter counts";
  EXPECT_EQ(allocated_after([&] { done.set(); }), 0);
  EXPECT_TRUE(in_time);
}

}  // namespace
}  // namespace weft::coro
