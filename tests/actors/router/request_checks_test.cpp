// What a request has to pass before anything is done with it.
#include "actors/router/request_checks.hpp"

#include "tests/actors/router/parts_case.hpp"

namespace weft {
namespace {

using namespace std::chrono_literals;

class request_checks_test : public parts_case {
 protected:
  std::optional<rpc_error> check(const request& r) {
    return check_message({site, work.book, in.gate, out.records}, r);
  }
  std::optional<rpc_error> check_access(const request& r) {
    return check_call({site, work.book, in.gate, out.records}, r);
  }
  /// Of a request with this `deadline_ms`.
  std::optional<rpc_error> deadline(const std::string& raw) {
    const message m(R"({"jsonrpc":"2.0","id":1,"method":"m","deadline_ms":)" + raw + "}");
    auto r = request_from(client, m);
    auto wrong = take_deadline(site, r);
    taken = r.deadline;
    return wrong;
  }

  connection_entry& client = connect();
  coro::clock::duration taken{};
};

TEST_F(request_checks_test, an_ordinary_request_passes) {
  const message m(R"({"jsonrpc":"2.0","id":1,"method":"users.get"})");
  const auto r = request_from(client, m);
  EXPECT_FALSE(check(r));
  EXPECT_FALSE(check_access(r));
}

TEST_F(request_checks_test, a_name_that_is_too_long_does_not) {
  options.limits.method_name_bytes = 8;
  const message m(R"({"jsonrpc":"2.0","id":1,"method":"users.get"})");
  const auto wrong = check(request_from(client, m));
  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->code, static_cast<std::int32_t>(error_code::invalid_request));
  EXPECT_EQ(counted(metric::limit_method_name), 1);
}

TEST_F(request_checks_test, an_id_that_is_in_use_does_not) {
  const message m(R"({"jsonrpc":"2.0","id":1,"method":"users.get"})");
  auto r = request_from(client, m);
  auto* c = work.book.open(r, out.records.stats().server_other());
  ASSERT_NE(c, nullptr);
  EXPECT_TRUE(check(r));
  auto& other = connect();
  EXPECT_FALSE(check(request_from(other, m))) << "ids are the caller's own";
  const message notification(R"({"jsonrpc":"2.0","method":"users.get"})");
  EXPECT_FALSE(check(request_from(client, notification)));
  work.book.settle(*c, outcome::unawaited(error_code::request_cancelled));
  EXPECT_FALSE(check(r));
}

TEST_F(request_checks_test, who_may_not_call_the_method_does_not) {
  identity nobody;
  nobody.name = "nobody";
  site.access = std::make_shared<const access_policy>(std::vector<identity>{}, identity{});
  client.access.who = &nobody;
  const message m(R"({"jsonrpc":"2.0","id":1,"method":"users.get"})");
  EXPECT_TRUE(check_access(request_from(client, m)));
  nobody.call.add("users.*");
  EXPECT_FALSE(check_access(request_from(client, m)));
}

TEST_F(request_checks_test, a_deadline_is_taken_as_it_stands) {
  EXPECT_FALSE(deadline("250"));
  EXPECT_EQ(taken, 250ms);
  EXPECT_FALSE(deadline("0.2"));
  EXPECT_EQ(taken, 200us);
  EXPECT_FALSE(deadline("0.0001"));
  EXPECT_GT(taken, 0us) << "time that is left is never none";
}

TEST_F(request_checks_test, a_deadline_is_limited) {
  EXPECT_FALSE(deadline("1e30"));
  EXPECT_EQ(taken, options.protocol.max_deadline);
}

TEST_F(request_checks_test, a_deadline_that_has_passed_or_is_none_is_refused) {
  const auto passed = deadline("0");
  ASSERT_TRUE(passed);
  EXPECT_EQ(passed->code, static_cast<std::int32_t>(error_code::deadline_exceeded));
  EXPECT_TRUE(deadline("-5"));
  const auto none = deadline(R"("soon")");
  ASSERT_TRUE(none);
  EXPECT_EQ(none->code, static_cast<std::int32_t>(error_code::invalid_request));
}

}  // namespace
}  // namespace weft
