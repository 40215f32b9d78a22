// The records of calls under way: keys go stale, records are recycled, ids are found by connection and
// spelling.
#include "actors/router/call_table.hpp"

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weft {
namespace {

/// The table only stores whom a call belongs to.
struct nobody final : call_owner {
  void on_call_timer(call&) override {}
};

class call_table_test : public testing::Test {
 protected:
  call& open(connection_key caller, std::string raw_id) {
    auto& c = table.acquire();
    c.from = call::origin::connection;
    c.caller.key = caller;
    c.caller.raw_id = std::move(raw_id);
    table.index(c);
    return c;
  }
  void close(call& c) {
    table.unindex(c);
    table.release(c);
  }

  nobody owner;
  call_table table{owner};
};

TEST_F(call_table_test, a_key_finds_its_record_until_it_is_released) {
  auto& c = open({1, 1}, "7");
  const auto key = c.key;
  EXPECT_EQ(table.find(key), &c);
  EXPECT_EQ(table.size(), 1U);
  close(c);
  EXPECT_EQ(table.find(key), nullptr);
  EXPECT_EQ(table.size(), 0U);
}

TEST_F(call_table_test, a_stale_key_does_not_find_the_next_call_in_the_same_record) {
  auto& first = open({1, 1}, "1");
  const auto stale = first.key;
  close(first);
  auto& second = open({1, 1}, "2");
  ASSERT_EQ(&first, &second) << "records are recycled";
  EXPECT_EQ(table.find(stale), nullptr);
  EXPECT_EQ(table.find(second.key), &second);
  EXPECT_NE(stale.number(), second.key.number());
}

TEST_F(call_table_test, keys_that_never_were_find_nothing) {
  open({1, 1}, "1");
  EXPECT_EQ(table.find(call_key{}), nullptr);
  EXPECT_EQ(table.find(call_key{0, 99}), nullptr);
  EXPECT_EQ(table.find(call_key{1'000'000, 1}), nullptr);
}

TEST_F(call_table_test, a_record_that_is_not_yet_a_call_is_not_found) {
  const auto& c = table.acquire();
  EXPECT_EQ(table.find(c.key), nullptr);
}

TEST_F(call_table_test, keys_survive_the_way_through_a_message) {
  for (const call_key key :
       {call_key{0, 1}, call_key{(1U << call_key::slot_bits) - 1, 1}, call_key{5, 0xffff'ffff}}) {
    EXPECT_EQ(call_key::from(key.number()), key);
    EXPECT_LT(key.number(), std::uint64_t{1} << 53) << "every client must read it exactly";
  }
}

TEST_F(call_table_test, a_released_record_is_clean) {
  auto& c = open({1, 1}, "1");
  c.caller.cancelled = c.caller.notification = true;
  c.handling.running = call::handler::blocking;
  close(c);
  const auto& again = table.acquire();
  ASSERT_EQ(&c, &again);
  EXPECT_FALSE(again.caller.cancelled);
  EXPECT_FALSE(again.caller.notification);
  EXPECT_EQ(again.from, call::origin::none);
  EXPECT_EQ(again.handling.running, call::handler::none);
  EXPECT_EQ(again.caller.raw_id, "");
  EXPECT_EQ(again.caller.group, nullptr);
  EXPECT_EQ(again.coroutine.waiter, nullptr);
  EXPECT_EQ(again.told.stats, nullptr);
  EXPECT_FALSE(again.handling.context);
}

TEST_F(call_table_test, ids_are_found_as_they_were_spelled) {
  auto& number = open({1, 1}, "1");
  auto& text = open({1, 1}, R"("1")");
  EXPECT_EQ(table.find({1, 1}, "1"), &number);
  EXPECT_EQ(table.find({1, 1}, R"("1")"), &text);
  EXPECT_EQ(table.find({1, 1}, "1.0"), nullptr);
  EXPECT_EQ(table.find({1, 1}, ""), nullptr);
}

TEST_F(call_table_test, ids_belong_to_their_connection) {
  auto& mine = open({1, 1}, "1");
  auto& other = open({2, 1}, "1");
  auto& later = open({1, 2}, "1");
  EXPECT_EQ(table.find({1, 1}, "1"), &mine);
  EXPECT_EQ(table.find({2, 1}, "1"), &other);
  EXPECT_EQ(table.find({1, 2}, "1"), &later);
  close(mine);
  EXPECT_EQ(table.find({1, 1}, "1"), nullptr);
  EXPECT_EQ(table.find({1, 2}, "1"), &later);
}

TEST_F(call_table_test, taking_an_id_out_twice_does_no_harm) {
  auto& c = open({1, 1}, "1");
  auto& other = open({1, 1}, "2");
  table.unindex(c);
  table.unindex(c);
  EXPECT_EQ(table.find({1, 1}, "2"), &other);
}

TEST_F(call_table_test, thousands_of_calls_are_told_apart_while_the_index_grows) {
  constexpr std::uint32_t connections = 10;
  constexpr int each = 1'000;
  std::vector<call*> open_calls;
  std::set<std::uint64_t> numbers;
  for (int id = 0; id < each; ++id) {
    for (std::uint32_t slot = 0; slot < connections; ++slot) {
      open_calls.push_back(&open({slot, 1}, std::to_string(id)));
      numbers.insert(open_calls.back()->key.number());
    }
  }
  EXPECT_EQ(table.size(), connections * each);
  EXPECT_EQ(numbers.size(), connections * each);
  for (auto* c : open_calls) {
    ASSERT_EQ(table.find(c->caller.key, c->caller.raw_id), c);
    ASSERT_EQ(table.find(c->key), c);
  }
  for (std::size_t i = 0; i < open_calls.size(); i += 2) close(*open_calls[i]);
  EXPECT_EQ(table.size(), connections * each / 2);
  for (std::size_t i = 1; i < open_calls.size(); i += 2) {
    ASSERT_EQ(table.find(open_calls[i]->caller.key, open_calls[i]->caller.raw_id), open_calls[i]);
  }
}

TEST_F(call_table_test, released_records_are_used_again) {
  std::set<const call*> records;
  for (int i = 0; i < 1'000; ++i) {
    auto& a = open({1, 1}, "a");
    auto& b = open({1, 1}, "b");
    records.insert({&a, &b});
    close(a);
    close(b);
  }
  EXPECT_EQ(records.size(), 2U);
}

}  // namespace
}  // namespace weft
