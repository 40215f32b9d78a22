#include <functional>
#include <memory>

#include "actors/coro/cancel_scope.hpp"
#include "tests/actors/coro/coroutine_host.hpp"

namespace weft::coro {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class a_context : public coroutine_host {
 protected:
  cancel_scope root() { return cancel_scope(run()); }
  cancel_scope root(clock::duration time) { return cancel_scope(run(), now() + time); }
};

struct hook final : cancel_hook {
  hook() = default;
  explicit hook(std::function<void()> what_to_do) : action(std::move(what_to_do)) {}
  void on_cancel(cancel_reason reason) override {
    seen.push_back(reason);
    if (action) action();
  }
  std::vector<cancel_reason> seen;
  std::function<void()> action;
};

TEST_F(a_context, is_not_cancelled_and_has_no_deadline_at_first) {
  const cancel_scope ctx = root();
  EXPECT_FALSE(ctx.cancelled());
  EXPECT_EQ(ctx.reason(), std::nullopt);
  EXPECT_EQ(ctx.deadline(), clock::time_point::max());
  EXPECT_EQ(&ctx.get_executor(), &run());
}

TEST_F(a_context, calls_each_hook_once_and_keeps_the_first_reason) {
  const cancel_scope ctx = root();
  hook a;
  hook b;
  ASSERT_TRUE(ctx.attach(a) && ctx.attach(b));
  const cancel_scope copy = ctx;
  copy.cancel(cancel_reason::disconnected);
  ctx.cancel(cancel_reason::shutting_down);
  EXPECT_THAT(a.seen, ElementsAre(cancel_reason::disconnected));
  EXPECT_THAT(b.seen, ElementsAre(cancel_reason::disconnected));
  EXPECT_EQ(ctx.reason(), cancel_reason::disconnected);
  EXPECT_FALSE(a.linked());
}

TEST_F(a_context, does_not_call_hooks_that_were_detached_or_destroyed) {
  const cancel_scope ctx = root();
  hook detached;
  auto destroyed = std::make_unique<hook>([] { FAIL() << "called after its end"; });
  ASSERT_TRUE(ctx.attach(detached) && ctx.attach(*destroyed));
  detached.detach();
  destroyed.reset();
  ctx.cancel(cancel_reason::cancelled_by_caller);
  EXPECT_TRUE(detached.seen.empty());
}

TEST_F(a_context, refuses_hooks_once_it_is_cancelled) {
  const cancel_scope ctx = root();
  ctx.cancel(cancel_reason::cancelled_by_caller);
  hook late;
  EXPECT_FALSE(ctx.attach(late));
  EXPECT_FALSE(late.linked());
}

TEST_F(a_context, cancels_its_children_and_not_its_parent_or_siblings) {
  const cancel_scope parent = root();
  const cancel_scope child = parent.child();
  const cancel_scope grandchild = child.child();
  const cancel_scope sibling = parent.child();
  hook h;
  ASSERT_TRUE(grandchild.attach(h));
  child.cancel(cancel_reason::superseded);
  EXPECT_THAT(h.seen, ElementsAre(cancel_reason::superseded));
  EXPECT_FALSE(parent.cancelled());
  EXPECT_FALSE(sibling.cancelled());
  parent.cancel(cancel_reason::shutting_down);
  EXPECT_EQ(sibling.reason(), cancel_reason::shutting_down);
  EXPECT_EQ(grandchild.reason(), cancel_reason::superseded);
}

TEST_F(a_context, that_is_cancelled_bears_children_that_are_cancelled) {
  const cancel_scope ctx = root();
  ctx.cancel(cancel_reason::disconnected);
  EXPECT_EQ(ctx.child().reason(), cancel_reason::disconnected);
}

TEST_F(a_context, never_gives_a_child_a_later_deadline_than_its_own) {
  const cancel_scope ctx = root(10s);
  EXPECT_EQ(ctx.child().deadline(), ctx.deadline());
  EXPECT_EQ(ctx.child(now() + 20s).deadline(), ctx.deadline());
  EXPECT_EQ(ctx.child(now() + 5s).deadline(), now() + 5s);
}

TEST_F(a_context, marks_the_whole_tree_before_it_calls_a_hook) {
  const cancel_scope parent = root();
  const cancel_scope child = parent.child();
  bool child_was_cancelled = false;
  hook first([&] { child_was_cancelled = child.cancelled(); });
  hook second;
  ASSERT_TRUE(parent.attach(first) && child.attach(second));
  parent.cancel(cancel_reason::disconnected);
  EXPECT_TRUE(child_was_cancelled);
  EXPECT_EQ(second.seen.size(), 1U);
}

TEST_F(a_context, survives_hooks_that_destroy_each_other_and_themselves) {
  const cancel_scope ctx = root();
  std::unique_ptr<hook> second;
  std::unique_ptr<hook> first;
  first = std::make_unique<hook>([&] {
    second.reset();
    first.reset();
  });
  second = std::make_unique<hook>([] { FAIL() << "destroyed by the first"; });
  hook third;
  ASSERT_TRUE(ctx.attach(*first) && ctx.attach(*second) && ctx.attach(third));
  ctx.cancel(cancel_reason::disconnected);
  EXPECT_EQ(first, nullptr);
  EXPECT_EQ(third.seen.size(), 1U);
}

TEST_F(a_context, survives_hooks_that_drop_the_last_handles_of_the_tree) {
  std::optional<cancel_scope> parent = root();
  std::optional<cancel_scope> child = parent->child();
  std::optional<cancel_scope> grandchild = child->child();
  hook on_grandchild;
  hook h([&] {
    child.reset();
    grandchild.reset();
    parent.reset();
  });
  ASSERT_TRUE(parent->attach(h) && grandchild->attach(on_grandchild));
  parent->cancel(cancel_reason::disconnected);
  EXPECT_TRUE(on_grandchild.seen.empty()) << "a cancel_scope that is gone calls nobody";
  EXPECT_FALSE(on_grandchild.linked());
}

TEST_F(a_context, survives_cancelling_its_own_tree_from_inside_a_hook) {
  const cancel_scope parent = root();
  const cancel_scope child = parent.child();
  hook up([&] { parent.cancel(cancel_reason::shutting_down); });
  hook down([&] { child.cancel(cancel_reason::superseded); });
  hook on_parent;
  ASSERT_TRUE(child.attach(up) && child.attach(down) && parent.attach(on_parent));
  child.cancel(cancel_reason::disconnected);
  EXPECT_THAT(down.seen, ElementsAre(cancel_reason::disconnected));
  EXPECT_THAT(on_parent.seen, ElementsAre(cancel_reason::shutting_down));
  EXPECT_EQ(child.reason(), cancel_reason::disconnected);
}

TEST_F(a_context, frees_a_chain_of_a_hundred_thousand_children_and_cancels_it_without_recursion) {
  for (const bool cancel : {false, true}) {
    const cancel_scope parent = root();
    cancel_scope deepest = parent;
    for (int i = 0; i != 100'000; ++i) deepest = deepest.child();
    hook h;
    ASSERT_TRUE(deepest.attach(h));
    if (cancel) parent.cancel(cancel_reason::shutting_down);
    EXPECT_EQ(h.seen.size(), cancel ? 1U : 0U);
  }
}

TEST_F(a_context, is_cancelled_when_its_deadline_passes) {
  const cancel_scope ctx = root(1s);
  hook h;
  ASSERT_TRUE(ctx.attach(h));
  advance(999ms);
  EXPECT_TRUE(h.seen.empty());
  advance(1ms);
  EXPECT_THAT(h.seen, ElementsAre(cancel_reason::deadline_exceeded));
}

TEST_F(a_context, takes_the_children_along_when_the_deadline_of_the_parent_passes) {
  const cancel_scope parent = root(1s);
  const cancel_scope same = parent.child();
  const cancel_scope earlier = parent.child(now() + 500ms);
  hook on_same;
  hook on_earlier;
  hook on_parent;
  ASSERT_TRUE(same.attach(on_same) && earlier.attach(on_earlier) && parent.attach(on_parent));
  advance(500ms);
  EXPECT_EQ(on_earlier.seen.size(), 1U);
  EXPECT_TRUE(on_same.seen.empty());
  advance(500ms);
  EXPECT_THAT(on_same.seen, ElementsAre(cancel_reason::deadline_exceeded));
  EXPECT_THAT(on_parent.seen, ElementsAre(cancel_reason::deadline_exceeded));
}

TEST_F(a_context, notices_a_passed_deadline_although_nothing_waited) {
  const cancel_scope ctx = root(1s);
  advance(2s);
  EXPECT_EQ(ctx.reason(), cancel_reason::deadline_exceeded);
  hook late;
  EXPECT_FALSE(ctx.attach(late));
  ctx.cancel(cancel_reason::disconnected);
  EXPECT_EQ(ctx.reason(), cancel_reason::deadline_exceeded) << "the answer does not change";
}

TEST_F(a_context, that_is_gone_does_not_leave_its_deadline_armed) {
  hook h([] { FAIL() << "called by a cancel_scope that is gone"; });
  {
    const cancel_scope ctx = root(1s);
    ASSERT_TRUE(ctx.attach(h));
  }
  EXPECT_FALSE(h.linked());
  advance(2s);
}

TEST_F(a_context, names_every_reason) {
  EXPECT_EQ(to_string(cancel_reason::cancelled_by_caller), "cancelled by caller");
  EXPECT_EQ(to_string(cancel_reason::deadline_exceeded), "deadline exceeded");
  EXPECT_EQ(to_string(cancel_reason::disconnected), "disconnected");
  EXPECT_EQ(to_string(cancel_reason::shutting_down), "shutting down");
  EXPECT_EQ(to_string(cancel_reason::superseded), "superseded");
}

}  // namespace
}  // namespace weft::coro
