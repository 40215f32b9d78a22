// Actors on a reactor's thread: the order of their messages, their end, and the messages that are used again.
#include "actors/runtime/pinned_actor.hpp"

#include <functional>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include <caf/exit_reason.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <gmock/gmock.h>

#include "actors/messages/batch.hpp"
#include "tests/actors/runtime/reactor_thread.hpp"

namespace weft {
namespace {

using testing::ElementsAre;

/// A message with a number, which tells when it is destroyed.
class numbered final : public actor_message {
 public:
  numbered(int from_sender, int value, std::shared_ptr<int> witness = {})
      : actor_message(type::start), sender(from_sender), number(value), witness_(std::move(witness)) {}
  int sender;
  int number;

 private:
  std::shared_ptr<int> witness_;
};

struct records {
  std::function<void(pinned_actor&, numbered&)> on_message = [](pinned_actor&, numbered&) {};
  std::vector<int> received;
  std::vector<int> senders;
  std::vector<std::size_t> turns;
  int terminations = 0;
};

class recorder final : public pinned_actor {
 public:
  recorder(caf::actor_config& config, reactor& home, records& into)
      : pinned_actor(config, home), records_(into) {}
  const char* name() const override { return "recorder"; }
  using pinned_actor::terminate;

 private:
  void receive(actor_message& message) override {
    EXPECT_TRUE(home().on_this_thread());
    auto& note = static_cast<numbered&>(message);
    records_.received.push_back(note.number);
    records_.senders.push_back(note.sender);
    records_.on_message(*this, note);
  }
  void end_of_turn() override { records_.turns.push_back(records_.received.size()); }
  void on_terminate() override {
    EXPECT_TRUE(home().on_this_thread());
    ++records_.terminations;
  }

  records& records_;
};

void terminate(pinned_actor& actor) {
  static_cast<recorder&>(actor).terminate();
}

class pinned_actor_test : public reactor_test {
 protected:
  void send(int number, int sender = 0, std::shared_ptr<int> witness = {}) {
    auto message = make_actor_message<numbered>(sender, number, std::move(witness));
    caf::actor_cast<caf::strong_actor_ptr>(actor)->enqueue(caf::mailbox_element_ptr(message.release()),
                                                           nullptr);
  }
  void stop_at(int number) {
    seen.on_message = [this, number](pinned_actor&, numbered& m) {
      if (m.number == number) loop.stop();
    };
  }

  records seen;
  caf::actor actor = spawn_pinned<recorder>(system, loop, seen);
};

TEST_F(pinned_actor_test, gets_its_messages_in_order) {
  for (int i = 0; i < 100; ++i) send(i);
  stop_at(99);
  run_until_stopped();
  ASSERT_EQ(seen.received.size(), 100U);
  EXPECT_TRUE(std::ranges::is_sorted(seen.received));
}

TEST_F(pinned_actor_test, keeps_the_order_of_each_of_several_threads) {
  constexpr int threads = 4;
  constexpr int each = 5'000;
  seen.on_message = [&](pinned_actor&, numbered&) {
    if (seen.received.size() == threads * each) loop.stop();
  };
  std::vector<std::thread> senders;
  for (int t = 0; t < threads; ++t) {
    senders.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) send(i, t);
    });
  }
  run_until_stopped();
  for (auto& sender : senders) sender.join();
  std::vector<int> next(threads, 0);
  for (std::size_t i = 0; i < seen.received.size(); ++i) {
    ASSERT_EQ(seen.received[i], next[static_cast<std::size_t>(seen.senders[i])]++);
  }
}

TEST_F(pinned_actor_test, a_turn_ends_after_what_was_there) {
  for (int i = 0; i < 10; ++i) send(i);
  stop_at(9);
  run_until_stopped();
  EXPECT_THAT(seen.turns, ElementsAre(10U));
}

TEST_F(pinned_actor_test, may_send_to_itself) {
  seen.on_message = [&](pinned_actor&, numbered& m) {
    if (m.number == 3) return loop.stop();
    send(m.number + 1);
  };
  send(0);
  run_until_stopped();
  EXPECT_THAT(seen.received, ElementsAre(0, 1, 2, 3));
}

// What a connection has read stays in the read buffer only until the next event: its router must have seen it
// by then, whatever other threads have sent the router in the meantime.
TEST_F(pinned_actor_test, a_message_from_its_own_thread_is_handled_before_the_next_event) {
  bool sent = false;
  std::vector<int> seen_by_then;
  const auto handle = [&](watched_end& self) {
    self.read_here();
    if (!std::exchange(sent, true)) {
      std::thread([&] { send(1); }).join();
      send(2);
      return;
    }
    seen_by_then = seen.received;
    loop.stop();
  };
  watched_end one(loop, EPOLLIN, handle);
  watched_end other(loop, EPOLLIN, handle);
  one.write_here();
  other.write_here();
  run_until_stopped();
  EXPECT_THAT(seen_by_then, testing::Contains(2));
}

TEST_F(pinned_actor_test, messages_from_both_sides_all_arrive) {
  constexpr int each = 2'000;
  seen.on_message = [&](pinned_actor&, numbered& m) {
    if (m.sender == 0 && m.number + 1 < each) send(m.number + 1, 0);
    if (seen.received.size() == 2 * each) loop.stop();
  };
  std::thread other([&] {
    for (int i = 0; i < each; ++i) send(i, 1);
  });
  loop.exec_later(job::once([&] { send(0, 0); }));
  run_until_stopped();
  other.join();
  std::vector<int> next(2, 0);
  for (std::size_t i = 0; i < seen.received.size(); ++i) {
    ASSERT_EQ(seen.received[i], next[static_cast<std::size_t>(seen.senders[i])]++);
  }
}

TEST_F(pinned_actor_test, ends_with_an_exit_message_and_those_who_wait_learn_of_it) {
  std::thread waiting([&] {
    caf::scoped_actor self(system, true);
    self->send_exit(actor, caf::exit_reason::user_shutdown);
    self->wait_for(actor);
    loop.stop();
  });
  run_until_stopped();
  waiting.join();
  EXPECT_EQ(seen.terminations, 1);
}

TEST_F(pinned_actor_test, drops_what_comes_after_its_end) {
  const auto witness = std::make_shared<int>();
  seen.on_message = [](pinned_actor& self, numbered&) { terminate(self); };
  for (int i = 0; i < 3; ++i) send(i, 0, witness);
  loop.exec_later(job::once([&] {
    send(3, 0, witness);
    std::thread([&] { send(4, 0, witness); }).join();
    loop.exec_later(job::once([&] { loop.stop(); }));
  }));
  run_until_stopped();
  EXPECT_THAT(seen.received, ElementsAre(0));
  EXPECT_EQ(seen.terminations, 1);
  EXPECT_EQ(witness.use_count(), 1) << "dropped messages are destroyed";
}

TEST(pinned_actor_lifetime, messages_that_nobody_read_die_with_it) {
  const auto witness = std::make_shared<int>();
  caf::actor_system_config config;
  caf::actor_system system{config};
  records seen;
  {
    reactor loop(system, 0);
    const auto actor = spawn_pinned<recorder>(system, loop, seen);
    for (int i = 0; i < 3; ++i) {
      auto message = make_actor_message<numbered>(0, i, witness);
      caf::actor_cast<caf::strong_actor_ptr>(actor)->enqueue(caf::mailbox_element_ptr(message.release()),
                                                             nullptr);
    }
    EXPECT_EQ(witness.use_count(), 4);
  }
  EXPECT_TRUE(seen.received.empty());
  EXPECT_EQ(witness.use_count(), 1);
}

TEST_F(pinned_actor_test, ignores_ordinary_messages) {
  caf::anon_send(actor, 42);
  caf::anon_send(actor, std::string("hello"));
  send(1);
  stop_at(1);
  run_until_stopped();
  EXPECT_THAT(seen.received, ElementsAre(1));
}

TEST_F(pinned_actor_test, counts_its_messages) {
  for (int i = 0; i < 10; ++i) send(i);
  stop_at(9);
  run_until_stopped();
  EXPECT_EQ(loop.metrics().get(metric::actor_messages), 10);
}

class message_pool_test : public reactor_test {
 protected:
  message_pool<outbound_batch> pool{loop};
};

TEST_F(message_pool_test, uses_messages_again_and_they_are_clean) {
  run([&] {
    const outbound_batch* first = nullptr;
    {
      auto message = pool.take();
      first = message.get();
      message->bulk = "bulk";
      message->urgent = "urgent";
      message->finish = true;
      message->heartbeat = std::chrono::milliseconds(1);
      message->frame_limit = message->tell_below = 1;
    }
    const auto again = pool.take();
    EXPECT_EQ(again.get(), first);
    EXPECT_EQ(again->urgent + again->bulk, "");
    EXPECT_FALSE(again->finish || again->heartbeat || again->frame_limit != 0 || again->tell_below != 0);
  });
}

TEST_F(message_pool_test, keeps_the_capacity_of_small_messages_only) {
  run([&] {
    {
      auto message = pool.take();
      message->bulk.assign(10'000, 'x');
      message->urgent.assign(10'000'000, 'x');
    }
    const auto again = pool.take();
    EXPECT_GE(again->bulk.capacity(), 10'000U);
    EXPECT_LT(again->urgent.capacity(), 1'000'000U);
  });
}

TEST_F(message_pool_test, hands_out_different_messages) {
  run([&] {
    std::vector<message_pool<outbound_batch>::pointer> taken;
    std::set<const outbound_batch*> distinct;
    for (int i = 0; i < 100; ++i) {
      taken.push_back(pool.take());
      distinct.insert(taken.back().get());
    }
    EXPECT_EQ(distinct.size(), 100U);
  });
}

TEST_F(message_pool_test, frees_messages_that_die_on_another_thread) {
  run([&] {
    auto message = pool.take();
    const auto* first = message.get();
    // A second message keeps the allocator from handing out the same address again.
    const auto holder = pool.take();
    std::thread([&] { message.reset(); }).join();
    EXPECT_NE(first, holder.get());
    {
      const auto kept = pool.take();
    }
    const auto again = pool.take();
    EXPECT_NE(again.get(), holder.get());
  });
}

}  // namespace
}  // namespace weft
