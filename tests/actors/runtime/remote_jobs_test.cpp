// Jobs from other threads, and the descriptor that tells of them.
#include "actors/runtime/remote_jobs.hpp"

#include <memory>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <poll.h>

#include "tests/actors/runtime/reactor_thread.hpp"

namespace weft {
namespace {

using testing::ElementsAre;

class remote_jobs_test : public reactor_test {
 protected:
  bool tells() const {
    pollfd look{.fd = jobs.descriptor(), .events = POLLIN, .revents = 0};
    return ::poll(&look, 1, 0) == 1;
  }
  /// So many wake-ups were written; takes them.
  std::uint64_t wake_ups() const {
    std::uint64_t count = 0;
    return ::read(jobs.descriptor(), &count, sizeof count) == sizeof count ? count : 0;
  }
  void push(int number) {
    jobs.push(job::once([this, number] { ran.push_back(number); }));
  }
  void run_moved() {
    jobs.move_to(ready);
    ready.run(loop);
  }

  std::vector<int> ran;
  ready_queue ready;
  remote_jobs jobs;
};

TEST_F(remote_jobs_test, tells_that_there_is_something_until_it_is_taken) {
  EXPECT_FALSE(tells());
  push(1);
  EXPECT_TRUE(tells());
  jobs.move_to(ready);
  EXPECT_FALSE(tells());
  EXPECT_EQ(ready.size(), 1U);
  ready.run(loop);
  EXPECT_THAT(ran, ElementsAre(1));
}

TEST_F(remote_jobs_test, jobs_keep_their_order_and_run_once) {
  for (int i = 0; i < 3; ++i) push(i);
  run_moved();
  EXPECT_THAT(ran, ElementsAre(0, 1, 2));
  run_moved();
  EXPECT_THAT(ran, ElementsAre(0, 1, 2));
  push(3);
  run_moved();
  EXPECT_THAT(ran, ElementsAre(0, 1, 2, 3));
}

TEST_F(remote_jobs_test, a_burst_is_told_of_with_one_write) {
  for (int i = 0; i < 100; ++i) push(i);
  jobs.wake();
  EXPECT_EQ(wake_ups(), 1U);
  jobs.move_to(ready);
  push(100);
  EXPECT_EQ(wake_ups(), 1U) << "and the next one again";
  run_moved();
  EXPECT_EQ(ran.size(), 101U);
}

TEST_F(remote_jobs_test, may_be_woken_without_a_job) {
  jobs.wake();
  EXPECT_TRUE(tells());
  jobs.move_to(ready);
  EXPECT_FALSE(tells());
  EXPECT_TRUE(ready.empty());
}

TEST_F(remote_jobs_test, nothing_to_take_does_no_harm) {
  jobs.move_to(ready);
  EXPECT_TRUE(ready.empty());
}

TEST_F(remote_jobs_test, none_is_lost_or_goes_unnoticed_while_others_push) {
  constexpr int threads = 3;
  constexpr int each = 5'000;
  int missing = threads * each;
  std::vector<std::jthread> senders;
  for (int t = 0; t < threads; ++t) {
    senders.emplace_back([&] {
      for (int i = 0; i < each; ++i) jobs.push(job::once([&] { --missing; }));
    });
  }
  constexpr int generous_ms = 30'000;
  while (missing > 0) {
    pollfd look{.fd = jobs.descriptor(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&look, 1, generous_ms), 1) << missing << " came without a wake-up";
    jobs.move_to(ready);
    while (!ready.empty()) ready.run(loop);
  }
  EXPECT_EQ(missing, 0);
}

TEST(remote_jobs_lifetime, jobs_that_were_never_taken_are_released) {
  const auto witness = std::make_shared<int>();
  {
    remote_jobs jobs;
    for (int i = 0; i < 3; ++i) jobs.push(job::once([witness] {}));
    EXPECT_EQ(witness.use_count(), 4);
  }
  EXPECT_EQ(witness.use_count(), 1);
}

}  // namespace
}  // namespace weft
