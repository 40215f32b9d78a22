#include "actors/coro/channel.hpp"

#include <memory>
#include <string>
#include <vector>

#include "actors/coro/select.hpp"
#include "actors/coro/sleep.hpp"
#include "tests/actors/coro/coroutine_host.hpp"

namespace weft::coro {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

template <class T>
using received = std::expected<T, channel_end>;
using sent = std::expected<void, channel_end>;

class a_channel : public coroutine_host {
 protected:
  cancel_scope ctx() { return cancel_scope(run()); }
};

template <class T>
task<> send_one(channel<T>* to, cancel_scope ctx, T value, std::optional<sent>* result) {
  result->emplace(co_await to->send(ctx, std::move(value)));
}
template <class T>
task<> receive_one(channel<T>* from, cancel_scope ctx, std::optional<received<T>>* result) {
  result->emplace(co_await from->receive(ctx));
}
/// Takes note of what comes, and of -1 at the end.
task<> receive_all(channel<int>* from, cancel_scope ctx, std::vector<int>* seen) {
  while (const auto value = co_await from->receive(ctx)) seen->push_back(*value);
  seen->push_back(-1);
}
/// Sends the numbers from 0 on; `sent_count` shows how far it is.
task<> send_up_to(channel<int>* to, cancel_scope ctx, int end, int* sent_count) {
  for (int i = 0; i != end; ++i) {
    if (!co_await to->send(ctx, i)) co_return;
    ++*sent_count;
  }
}

TEST_F(a_channel, holds_as_many_values_as_its_capacity_and_then_makes_senders_wait) {
  channel<int> numbers(2);
  int sent_count = 0;
  spawn(send_up_to(&numbers, ctx(), 5, &sent_count));
  EXPECT_EQ(sent_count, 2);
  EXPECT_EQ(numbers.size(), 2U);
  EXPECT_EQ(numbers.try_receive(), 0);
  EXPECT_EQ(sent_count, 2) << "a sender must not run on the receiver's stack";
  run_ready();
  EXPECT_EQ(sent_count, 3);
}

TEST_F(a_channel, hands_over_every_value_in_order) {
  for (const std::size_t capacity : {0U, 1U, 3U, 100U}) {
    channel<int> numbers(capacity);
    std::vector<int> seen;
    int sent_count = 0;
    spawn(send_up_to(&numbers, ctx(), 10, &sent_count));
    spawn(receive_all(&numbers, ctx(), &seen));
    numbers.close();
    run_ready();
    EXPECT_THAT(seen, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1)) << capacity;
  }
}

TEST_F(a_channel, hands_over_values_that_only_move) {
  channel<std::unique_ptr<int>> boxes(0);
  std::optional<received<std::unique_ptr<int>>> result;
  spawn(receive_one(&boxes, ctx(), &result));
  EXPECT_TRUE(boxes.try_send(std::make_unique<int>(7)));
  EXPECT_FALSE(result) << "a receiver must not run on the sender's stack";
  run_ready();
  ASSERT_TRUE(result && *result);
  EXPECT_EQ(***result, 7);
}

TEST_F(a_channel, without_capacity_is_a_rendezvous) {
  channel<int> numbers(0);
  EXPECT_FALSE(numbers.try_send(1));
  EXPECT_EQ(numbers.try_receive(), std::nullopt);
  std::optional<sent> first;
  spawn(send_one(&numbers, ctx(), 1, &first));
  EXPECT_FALSE(first);
  std::optional<received<int>> taken;
  spawn(receive_one(&numbers, ctx(), &taken));
  EXPECT_TRUE(first && *first);
  EXPECT_EQ(taken, received<int>(1));
}

TEST_F(a_channel, leaves_a_value_that_it_cannot_take_to_its_sender) {
  channel<std::unique_ptr<int>> boxes(0);
  auto box = std::make_unique<int>(7);
  EXPECT_FALSE(boxes.try_send(std::move(box)));
  EXPECT_TRUE(box != nullptr);  // NOLINT(bugprone-use-after-move): that it was not moved is the point
}

TEST_F(a_channel, serves_receivers_in_the_order_in_which_they_came) {
  channel<int> numbers(4);
  std::optional<received<int>> results[3];
  for (auto& result : results) spawn(receive_one(&numbers, ctx(), &result));
  for (const int value : {10, 11, 12}) EXPECT_TRUE(numbers.try_send(value));
  EXPECT_EQ(numbers.try_receive(), std::nullopt) << "nobody overtakes those who wait";
  run_ready();
  for (int i = 0; i != 3; ++i) EXPECT_EQ(results[i], received<int>(10 + i));
}

TEST_F(a_channel, serves_senders_in_the_order_in_which_they_came) {
  channel<int> numbers(1);
  std::optional<sent> results[3];
  for (int i = 0; i != 3; ++i) spawn(send_one(&numbers, ctx(), i, &results[i]));
  for (int i = 0; i != 3; ++i) EXPECT_EQ(numbers.try_receive(), i);
  run_ready();
  for (const auto& result : results) EXPECT_TRUE(result && *result);
}

TEST_F(a_channel, that_is_closed_is_drained_before_it_ends) {
  channel<int> numbers(2);
  EXPECT_TRUE(numbers.try_send(1));
  EXPECT_TRUE(numbers.try_send(2));
  std::optional<sent> waiting;
  spawn(send_one(&numbers, ctx(), 3, &waiting));
  numbers.close();
  run_ready();
  EXPECT_EQ(waiting, sent(std::unexpected(channel_end::closed)));
  EXPECT_FALSE(numbers.try_send(4));
  std::vector<int> seen;
  spawn(receive_all(&numbers, ctx(), &seen));
  EXPECT_THAT(seen, ElementsAre(1, 2, -1));
  std::optional<sent> late;
  spawn(send_one(&numbers, ctx(), 5, &late));
  EXPECT_EQ(late, sent(std::unexpected(channel_end::closed)));
}

TEST_F(a_channel, that_is_closed_ends_all_who_wait_for_it) {
  channel<int> numbers(2);
  std::optional<received<int>> results[2];
  for (auto& result : results) spawn(receive_one(&numbers, ctx(), &result));
  numbers.close();
  EXPECT_FALSE(results[0]);
  run_ready();
  for (const auto& result : results) EXPECT_EQ(result, received<int>(std::unexpected(channel_end::closed)));
}

TEST_F(a_channel, that_dies_is_closed) {
  auto numbers = std::make_unique<channel<int>>(0);
  std::optional<received<int>> result;
  spawn(receive_one(numbers.get(), ctx(), &result));
  numbers.reset();
  run_ready();
  EXPECT_EQ(result, received<int>(std::unexpected(channel_end::closed)));
}

TEST_F(a_channel, that_dies_leaves_a_value_with_the_one_it_was_given_to) {
  auto numbers = std::make_unique<channel<int>>(0);
  std::optional<received<int>> result;
  spawn(receive_one(numbers.get(), ctx(), &result));
  EXPECT_TRUE(numbers->try_send(5));
  numbers.reset();
  run_ready();
  EXPECT_EQ(result, received<int>(5));
}

TEST_F(a_channel, ends_waits_when_their_context_is_cancelled) {
  channel<int> numbers(0);
  const cancel_scope cancelled = ctx();
  std::optional<received<int>> receiving;
  spawn(receive_one(&numbers, cancelled, &receiving));
  cancelled.cancel(cancel_reason::disconnected);
  EXPECT_FALSE(receiving) << "cancel must not run the waiter on its own stack";
  run_ready();
  EXPECT_EQ(receiving, received<int>(std::unexpected(channel_end::cancelled)));
  std::optional<sent> sending;
  spawn(send_one(&numbers, cancelled, 1, &sending));
  EXPECT_EQ(sending, sent(std::unexpected(channel_end::cancelled)));
  EXPECT_EQ(numbers.try_receive(), std::nullopt) << "the sender that was cancelled is forgotten";
}

TEST_F(a_channel, prefers_the_value_when_it_comes_in_the_turn_of_the_cancellation) {
  channel<int> numbers(0);
  const cancel_scope cancelled = ctx();
  std::optional<received<int>> receiving;
  spawn(receive_one(&numbers, cancelled, &receiving));
  cancelled.cancel(cancel_reason::disconnected);
  EXPECT_TRUE(numbers.try_send(1));
  run_ready();
  EXPECT_EQ(receiving, received<int>(1));
}

TEST_F(a_channel, forgets_waiting_frames_that_are_destroyed) {
  channel<int> numbers(0);
  std::optional<received<int>> receiving;
  std::optional<sent> sending;
  auto tasks = std::make_unique<scope>(run(), nullptr);
  tasks->spawn(receive_one(&numbers, ctx(), &receiving));
  tasks.reset();
  EXPECT_FALSE(numbers.try_send(1));
  tasks = std::make_unique<scope>(run(), nullptr);
  tasks->spawn(send_one(&numbers, ctx(), 1, &sending));
  tasks.reset();
  EXPECT_EQ(numbers.try_receive(), std::nullopt);
  run_ready();
  EXPECT_FALSE(receiving || sending);
}

TEST_F(a_channel, takes_back_in_order_what_was_given_to_frames_that_are_destroyed) {
  channel<int> numbers(1);
  std::optional<received<int>> lost[2];
  std::optional<received<int>> kept;
  auto tasks = std::make_unique<scope>(run(), nullptr);
  for (auto& result : lost) tasks->spawn(receive_one(&numbers, ctx(), &result));
  spawn(receive_one(&numbers, ctx(), &kept));
  for (const int value : {1, 2, 3, 4}) EXPECT_TRUE(numbers.try_send(value));
  tasks.reset();
  run_ready();
  EXPECT_EQ(kept, received<int>(1));
  EXPECT_EQ(numbers.size(), 3U) << "more than its capacity, for once";
  EXPECT_FALSE(numbers.try_send(5));
  for (const int value : {2, 3, 4}) EXPECT_EQ(numbers.try_receive(), value);
  EXPECT_FALSE(lost[0] || lost[1]);
}

TEST_F(a_channel, gives_what_it_took_back_to_the_next_one_who_waits) {
  channel<int> numbers(0);
  std::optional<received<int>> lost;
  std::optional<received<int>> next;
  auto tasks = std::make_unique<scope>(run(), nullptr);
  tasks->spawn(receive_one(&numbers, ctx(), &lost));
  spawn(receive_one(&numbers, ctx(), &next));
  EXPECT_TRUE(numbers.try_send(1));
  tasks.reset();
  run_ready();
  EXPECT_EQ(next, received<int>(1));
}

class a_select : public a_channel {
 protected:
  void TearDown() override { end_actor(); }

  using value = std::variant<int, std::string>;
  using result = std::expected<value, channel_end>;

  static task<> select_one(cancel_scope ctx, channel<int>* numbers, channel<std::string>* names,
                           std::optional<result>* selected) {
    selected->emplace(co_await select(ctx, *numbers, *names));
  }

  channel<int> numbers{4};
  channel<std::string> names{4};
  std::optional<result> selected;
};

TEST_F(a_select, yields_what_is_there_and_leaves_the_rest) {
  names.try_send("a");
  numbers.try_send(1);
  spawn(select_one(ctx(), &numbers, &names, &selected));
  EXPECT_EQ(selected, result(value(1)));
  EXPECT_EQ(names.size(), 1U);
}

TEST_F(a_select, waits_for_the_first_value_and_takes_no_other) {
  spawn(select_one(ctx(), &numbers, &names, &selected));
  EXPECT_FALSE(selected);
  EXPECT_TRUE(names.try_send("a"));
  EXPECT_TRUE(numbers.try_send(1));
  EXPECT_TRUE(names.try_send("b"));
  EXPECT_FALSE(selected);
  run_ready();
  EXPECT_EQ(selected, result(value("a")));
  EXPECT_EQ(numbers.size(), 1U);
  EXPECT_EQ(names.size(), 1U);
}

TEST_F(a_select, meets_a_sender_at_a_rendezvous) {
  channel<int> meeting(0);
  std::optional<sent> sending;
  spawn(select_one(ctx(), &meeting, &names, &selected));
  spawn(send_one(&meeting, ctx(), 3, &sending));
  EXPECT_TRUE(sending && *sending);
  EXPECT_EQ(selected, result(value(3)));
}

TEST_F(a_select, takes_from_each_channel_in_turn_when_all_have_values) {
  channel<int> a(8);
  channel<int> b(8);
  channel<int> c(8);
  for (int i = 0; i != 4; ++i) {
    for (auto* from : {&a, &b, &c}) from->try_send(i);
  }
  std::vector<std::size_t> order;
  spawn([](cancel_scope in, channel<int>* x, channel<int>* y, channel<int>* z,
           std::vector<std::size_t>* seen) -> task<> {
    for (int i = 0; i != 6; ++i) seen->push_back((co_await select(in, *x, *y, *z))->index());
  }(ctx(), &a, &b, &c, &order));
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 0, 1, 2));
}

TEST_F(a_select, goes_on_with_the_channels_that_are_open_and_ends_with_the_last) {
  numbers.close();
  spawn(select_one(ctx(), &numbers, &names, &selected));
  names.try_send("a");
  run_ready();
  EXPECT_EQ(selected, result(value("a")));
  selected.reset();
  spawn(select_one(ctx(), &numbers, &names, &selected));
  EXPECT_FALSE(selected);
  names.close();
  run_ready();
  EXPECT_EQ(selected, result(std::unexpected(channel_end::closed)));
  selected.reset();
  spawn(select_one(ctx(), &numbers, &names, &selected));
  EXPECT_EQ(selected, result(std::unexpected(channel_end::closed)));
}

TEST_F(a_select, ends_when_its_context_is_cancelled) {
  const cancel_scope cancelled = ctx();
  spawn(select_one(cancelled, &numbers, &names, &selected));
  cancelled.cancel(cancel_reason::shutting_down);
  run_ready();
  EXPECT_EQ(selected, result(std::unexpected(channel_end::cancelled)));
  numbers.try_send(1);
  EXPECT_EQ(numbers.size(), 1U);
}

TEST_F(a_select, whose_frame_is_destroyed_gives_back_its_value) {
  auto tasks = std::make_unique<scope>(run(), nullptr);
  tasks->spawn(select_one(ctx(), &numbers, &names, &selected));
  numbers.try_send(1);
  EXPECT_EQ(numbers.size(), 0U);
  tasks.reset();
  EXPECT_EQ(numbers.try_receive(), 1);
  names.try_send("a");
  run_ready();
  EXPECT_FALSE(selected);
}

}  // namespace
}  // namespace weft::coro
