// The test kit: services and their callers in one thread, under a clock that only moves when it is told to,
// without sockets.
//
//     weft::test_mesh mesh;
//     mesh.add(users).add(orders);
//     EXPECT_THAT(mesh.call<user>("users.get", 1).get(), IsOk(Field(&user::name, "Ada")));
//
//     mesh.fail("users.get", weft::error(weft::error_code::unavailable, "away"));
//     EXPECT_THAT(mesh.call<order>("orders.create", "key").get(), HasCode(14));
//
//     auto call = mesh.call<int>("slow", {.deadline = 200ms});
//     mesh.advance(200ms);
//     EXPECT_THAT(call.get(), HasCode(4));
//
//     auto lines = mesh.stream<line>("log.tail", "a.log");
//     EXPECT_EQ(lines.next().get()->text, "first");
//
// Calls have deadlines, are cancelled with their callers, and cross as JSON, as in a node. Blocking functions
// run at once, on the one thread. The matchers are there where GoogleTest's gmock is.
//
// Thread safety: none.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "weft/coro.hpp"
#include "weft/detail/arguments.hpp"
#include "weft/error.hpp"
#include "weft/pending.hpp"
#include "weft/service.hpp"
#include "weft/stream.hpp"

#if __has_include(<gmock/gmock.h>)
#include <gmock/gmock.h>
#endif

namespace weft {

namespace detail {

class test_loop;

/// Runs what is ready, and then lets time pass, until there is an outcome; an error when nothing is left that
/// could bring one.
pending_state::outcome run_until_ready(test_loop& loop, pending_state& call);
void run_ready(test_loop& loop);

}  // namespace detail

/// A call of a test; letting go of it takes it back. Not longer than its mesh.
template <class T>
class [[nodiscard("a call that is let go is taken back")]] test_call {
 public:
  test_call(std::shared_ptr<detail::test_loop> loop, std::shared_ptr<detail::pending_state> state) noexcept
      : loop_(std::move(loop)), state_(std::move(state)) {}
  test_call(test_call&& other) noexcept = default;
  test_call& operator=(test_call&&) = delete;
  ~test_call() {
    if (state_) state_->cancel();
  }

  /// Is the answer there, with no more time passing?
  bool ready() const {
    detail::run_ready(*loop_);
    return state_->ready();
  }
  /// The answer, after as much time as it takes. Once.
  result<T> get() {
    const auto state = std::exchange(state_, nullptr);
    return detail::decode<T>(detail::run_until_ready(*loop_, *state));
  }
  void cancel() const { state_->cancel(); }

 private:
  std::shared_ptr<detail::test_loop> loop_;
  std::shared_ptr<detail::pending_state> state_;
};

class test_mesh : public detail::call_operators<test_mesh>, public detail::stream_operators<test_mesh> {
 public:
  test_mesh();
  ~test_mesh();
  test_mesh(const test_mesh&) = delete;
  test_mesh& operator=(const test_mesh&) = delete;

  /// Serves its methods, and runs its background tasks until the mesh ends.
  test_mesh& add(const service& methods);
  /// The methods of the outside caller: what services call and notify through `ctx.caller()`.
  test_mesh& add_to_caller(const service& methods);

  // -- what goes wrong, with the next `times` calls of a method, in the order in which it was said
  void fail(std::string method, error with, std::size_t times = 1);
  void delay(std::string method, std::chrono::milliseconds time, std::size_t times = 1);
  /// Never answered.
  void drop(std::string method, std::size_t times = 1);

  // -- time
  std::chrono::milliseconds elapsed() const;
  /// Runs what is ready, then everything that falls due within that time, in its order.
  void advance(std::chrono::milliseconds time);

  /// The connection of the outside caller ends: its calls are cancelled, kept handles are told.
  void disconnect_caller();
  /// Calls that were made of a method, those that failed included.
  std::size_t calls_of(std::string_view method) const;
  /// Background tasks that failed, and what functions threw.
  const std::vector<std::string>& failures() const;

 private:
  friend detail::call_operators<test_mesh>;
  friend detail::stream_operators<test_mesh>;
  template <class T>
  test_call<T> begin(std::string method, std::string raw_params, call_options options) const {
    return {loop_, start_raw(std::move(method), std::move(raw_params), std::move(options))};
  }
  std::shared_ptr<detail::pending_state> start_raw(std::string method, std::string raw_params,
                                                   call_options options) const;
  template <class T, class Sent>
  weft::stream<T, Sent> begin_stream(std::string method, std::string raw_params, read_options options) const {
    return weft::stream<T, Sent>(open_stream(std::move(method), std::move(raw_params), std::move(options)));
  }
  std::shared_ptr<detail::stream_buffer> open_stream(std::string method, std::string raw_params,
                                                     read_options options) const;

  std::shared_ptr<detail::test_loop> loop_;
};

#if __has_include(<gmock/gmock.h>)
template <class T>
void PrintTo(const result<T>& outcome, std::ostream* out) {
  if (!outcome) {
    *out << "error \"" << fmt::format("{}", outcome.error()) << '"';
  } else if constexpr (!std::is_void_v<T>) {
    *out << ::testing::PrintToString(*outcome);
  }
}

/// The call came to a result that `inner` matches.
MATCHER_P(IsOk, inner,
          "is a result that " +
              ::testing::DescribeMatcher<typename std::decay_t<arg_type>::value_type>(inner, negation)) {
  if (!arg) {
    *result_listener << "which is the error \"" << fmt::format("{}", arg.error()) << "\"";
    return false;
  }
  return ::testing::ExplainMatchResult(inner, *arg, result_listener);
}

/// The call came to an error of this code.
MATCHER_P(HasCode, code, "is an error of code " + ::testing::PrintToString(code)) {
  if (arg) {
    *result_listener << "which is a result";
    return false;
  }
  *result_listener << "which is the error \"" << fmt::format("{}", arg.error()) << "\"";
  return arg.error().code == static_cast<std::int32_t>(code);
}
#endif

}  // namespace weft
