// What coroutines cost: starting and awaiting a task, being suspended and resumed, arming and disarming a
// timer.
#include <coroutine>
#include <cstdint>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "actors/coro/cancel_scope.hpp"
#include "actors/coro/completion.hpp"
#include "actors/coro/executor.hpp"
#include "actors/coro/scope.hpp"
#include "actors/coro/sleep.hpp"
#include "actors/coro/task.hpp"
#include "actors/coro/timer_wheel.hpp"
#include "actors/coro/when_all.hpp"

namespace weft::coro {
namespace {

/// A ready queue and a wheel under a clock that stands still.
class bench_executor final : public executor {
 public:
  clock::time_point now() const noexcept override { return clock::time_point(); }
  void post(std::coroutine_handle<> handle) override { ready_.push_back(handle); }
  void unpost(std::coroutine_handle<> handle) noexcept override { std::erase(ready_, handle); }

  void run() {
    while (!ready_.empty()) {
      batch_.swap(ready_);
      for (const auto handle : batch_) handle.resume();
      batch_.clear();
    }
  }

 private:
  void insert(timer& t) override { wheel_.insert(t); }
  void remove(timer& t) noexcept override { wheel_.remove(t); }

  timer_wheel wheel_{clock::time_point()};
  std::vector<std::coroutine_handle<>> ready_;
  std::vector<std::coroutine_handle<>> batch_;
};

task<int> leaf(int value) {
  co_return value;
}

task<int> nested(int levels) {
  if (levels == 0) co_return 1;
  co_return co_await nested(levels - 1);
}

task<> spawned() {
  co_return;
}

task<> await_leaves(benchmark::State* state) {
  while (state->KeepRunning()) benchmark::DoNotOptimize(co_await leaf(1));
}

task<> await_nested(benchmark::State* state) {
  const int levels = static_cast<int>(state->range(0));
  while (state->KeepRunning()) benchmark::DoNotOptimize(co_await nested(levels));
}

task<> await_pairs(benchmark::State* state) {
  while (state->KeepRunning()) benchmark::DoNotOptimize(co_await when_all(leaf(1), leaf(2)));
}

task<> await_completion(cancel_scope ctx, completion<int>* slot, std::int64_t* sum) {
  *sum += (co_await slot->wait(ctx)).value_or(0);
}

void run_root(task<> root) {
  bench_executor run;
  scope tasks(run, nullptr);
  tasks.spawn(std::move(root));
}

void start_and_await(benchmark::State& state) {
  run_root(await_leaves(&state));
}
BENCHMARK(start_and_await);

void nested_await(benchmark::State& state) {
  run_root(await_nested(&state));
  state.SetItemsProcessed(state.iterations() * (state.range(0) + 1));
}
BENCHMARK(nested_await)->Arg(3)->Arg(30);

void when_all_of_two(benchmark::State& state) {
  run_root(await_pairs(&state));
}
BENCHMARK(when_all_of_two);

void spawn_root(benchmark::State& state) {
  bench_executor run;
  scope tasks(run, nullptr);
  for (auto _ : state) tasks.spawn(spawned());
}
BENCHMARK(spawn_root);

void completion_round_trip(benchmark::State& state) {
  bench_executor run;
  scope tasks(run, nullptr);
  const cancel_scope ctx(run);
  std::int64_t sum = 0;
  for (auto _ : state) {
    completion<int> slot;
    tasks.spawn(await_completion(ctx, &slot, &sum));
    slot.set(1);
    run.run();
  }
  benchmark::DoNotOptimize(sum);
}
BENCHMARK(completion_round_trip);

void child_context(benchmark::State& state) {
  bench_executor run;
  const cancel_scope ctx(run);
  for (auto _ : state) benchmark::DoNotOptimize(ctx.child(clock::time_point() + std::chrono::seconds(1)));
}
BENCHMARK(child_context);

struct silent_timer final : timer {
  void on_expiry() override {}
};

void timer_insert_and_remove(benchmark::State& state) {
  bench_executor run;
  std::mt19937 random(1);
  std::vector<silent_timer> others(static_cast<std::size_t>(state.range(0)));
  for (auto& t : others) run.arm(t, clock::time_point() + std::chrono::milliseconds(random() % 60'000));
  std::vector<clock::time_point> times(1024);
  for (auto& t : times) t = clock::time_point() + std::chrono::milliseconds(random() % 60'000);
  silent_timer t;
  std::size_t i = 0;
  for (auto _ : state) {
    run.arm(t, times[++i % times.size()]);
    run.disarm(t);
  }
}
BENCHMARK(timer_insert_and_remove)->Arg(0)->Arg(100'000);

}  // namespace
}  // namespace weft::coro
