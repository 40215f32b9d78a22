// Descriptors and the events that their handlers are told of.
#include "actors/runtime/watched_descriptors.hpp"

#include <array>
#include <functional>
#include <system_error>
#include <vector>

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

namespace weft {
namespace {

using testing::UnorderedElementsAre;

struct nobody final : event_handler {
  void on_events(std::uint32_t) override {}
};

struct socket_pair {
  socket_pair() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
  }
  ~socket_pair() {
    for (const int end : ends) ::close(end);
  }
  socket_pair(const socket_pair&) = delete;
  socket_pair& operator=(const socket_pair&) = delete;
  int watched() const { return ends[0]; }
  void make_readable() const { EXPECT_EQ(::write(ends[1], "x", 1), 1); }
  std::array<int, 2> ends{-1, -1};
};

class watched_descriptors_test : public testing::Test {
 protected:
  using visit = std::function<void(event_handler*)>;
  /// Whoever was told of an event with one wait.
  std::vector<event_handler*> told(const visit& and_then = [](event_handler*) {}) {
    std::vector<event_handler*> handlers;
    watched.deliver(watched.wait(0), [&](event_handler* handler, std::uint32_t mask) {
      handlers.push_back(handler);
      masks |= mask;
      and_then(handler);
    });
    return handlers;
  }

  socket_pair one;
  socket_pair two;
  nobody first;
  nobody second;
  std::uint32_t masks = 0;
  watched_descriptors watched;
};

TEST_F(watched_descriptors_test, each_handler_is_told_of_its_own_until_it_is_taken) {
  watched.add(one.watched(), EPOLLIN, first);
  watched.add(two.watched(), EPOLLIN, second);
  EXPECT_THAT(told(), UnorderedElementsAre());
  one.make_readable();
  EXPECT_THAT(told(), UnorderedElementsAre(&first));
  two.make_readable();
  EXPECT_THAT(told(), UnorderedElementsAre(&first, &second));
  EXPECT_EQ(masks, static_cast<std::uint32_t>(EPOLLIN));
}

TEST_F(watched_descriptors_test, a_wake_up_has_no_handler) {
  watched.add_wake_up(one.watched());
  one.make_readable();
  EXPECT_THAT(told(), UnorderedElementsAre(nullptr));
}

TEST_F(watched_descriptors_test, what_is_watched_for_can_be_changed) {
  watched.add(one.watched(), EPOLLIN, first);
  one.make_readable();
  watched.change(one.watched(), EPOLLOUT, first);
  EXPECT_THAT(told(), UnorderedElementsAre(&first));
  EXPECT_EQ(masks, static_cast<std::uint32_t>(EPOLLOUT));
  watched.change(one.watched(), 0, first);
  EXPECT_THAT(told(), UnorderedElementsAre());
  watched.change(one.watched(), EPOLLIN, second);
  EXPECT_THAT(told(), UnorderedElementsAre(&second));
}

TEST_F(watched_descriptors_test, who_was_removed_is_told_nothing) {
  watched.add(one.watched(), EPOLLIN, first);
  one.make_readable();
  watched.remove(one.watched(), first);
  EXPECT_THAT(told(), UnorderedElementsAre());
  watched.add(one.watched(), EPOLLIN, second);
  EXPECT_THAT(told(), UnorderedElementsAre(&second)) << "and the descriptor may be watched again";
}

TEST_F(watched_descriptors_test, who_is_removed_while_events_are_delivered_is_told_nothing_more) {
  watched.add(one.watched(), EPOLLIN, first);
  watched.add(two.watched(), EPOLLIN, second);
  one.make_readable();
  two.make_readable();
  const auto remove_the_other = [&](event_handler* handler) {
    if (handler == &first)
      watched.remove(two.watched(), second);
    else
      watched.remove(one.watched(), first);
  };
  EXPECT_EQ(told(remove_the_other).size(), 1U);
  EXPECT_EQ(told().size(), 1U) << "the one that is left";
}

TEST_F(watched_descriptors_test, what_the_kernel_refuses_is_thrown) {
  EXPECT_THROW(watched.add(-1, EPOLLIN, first), std::system_error);
  watched.add(one.watched(), EPOLLIN, first);
  EXPECT_THROW(watched.add(one.watched(), EPOLLIN, first), std::system_error) << "it is watched already";
}

}  // namespace
}  // namespace weft
