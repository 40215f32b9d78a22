// What a weft::test_mesh is made of: an executor in one thread whose clock moves when it is told to, the
// methods that are served, and what the test has said is to go wrong.
//
// Thread safety: none.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/api/service_state.hpp"
#include "actors/coro/executor.hpp"
#include "actors/coro/scope.hpp"
#include "actors/coro/timer_wheel.hpp"
#include "weft/testing.hpp"

namespace weft::detail {

/// What happens to one call of a method: it is late, or ends with an error, or is never answered.
struct fault {
  static constexpr std::chrono::milliseconds no_delay{-1};

  std::optional<error> with;
  std::chrono::milliseconds delay = no_delay;
};

/// Who is called: those who serve, or the outside caller.
enum class test_side : std::uint8_t { served, caller };

class test_loop final : public coro::executor, public std::enable_shared_from_this<test_loop> {
 public:
  using methods = std::map<std::string, std::shared_ptr<const method_entry>, std::less<>>;

  test_loop();
  ~test_loop();

  // -- coro::executor
  coro::clock::time_point now() const noexcept override { return now_; }
  void post(std::coroutine_handle<> handle) override { ready_.push_back(handle); }
  void unpost(std::coroutine_handle<> handle) noexcept override { std::erase(ready_, handle); }

  // -- time
  void run_ready();
  /// False when nothing waits for time.
  bool step();
  /// Runs what is ready, or else lets time pass; false when nothing is left.
  bool bring_on();
  void advance(std::chrono::milliseconds time);
  coro::clock::time_point began() const noexcept { return began_; }

  // -- calls, as coroutines of this loop
  void spawn(coro::task<void> task);
  std::shared_ptr<pending_state> start(test_side who, const coro::cancel_scope& parent, std::string method,
                                       std::string raw_params, call_options options);
  std::shared_ptr<stream_buffer> open(test_side who, const coro::cancel_scope& parent, std::string method,
                                      std::string raw_params, read_options options);
  const method_entry* find(test_side who, std::string_view method) const;
  std::optional<fault> take_fault(const std::string& method);
  /// What a function threw.
  void note_failure(const std::string& method, const std::exception_ptr& thrown);

  std::vector<std::shared_ptr<service_state>> services;
  methods served;
  methods of_caller;
  std::map<std::string, std::deque<fault>, std::less<>> faults;
  std::map<std::string, std::size_t, std::less<>> calls;
  std::vector<std::string> failures;
  std::uint64_t caller_generation = 0;
  /// The scope of the outside caller's connection; what it has called is cancelled with it.
  std::optional<coro::cancel_scope> connection;

 private:
  void insert(coro::timer& t) override { wheel_.insert(t); }
  void remove(coro::timer& t) noexcept override { wheel_.remove(t); }

  coro::clock::time_point began_{std::chrono::hours(1)};
  coro::clock::time_point now_ = began_;
  coro::timer_wheel wheel_{began_};
  std::deque<std::coroutine_handle<>> ready_;
  /// Last: its frames refer to everything above.
  coro::scope tasks_;
};

// -- what both kinds of calls have (test_calls.cpp)

/// How a call ends whose context has.
error end_of(coro::cancel_reason why);
error unknown_method(const std::string& method);
/// What the test has said of this call; the error that it is to end with, if it has.
coro::task<std::optional<error>> meet_fault(test_loop* loop, coro::cancel_scope ctx, std::string method);
/// What a method is told of its call.
call_context context_of(test_loop* loop, coro::cancel_scope scope, std::string traceparent,
                        std::string raw_after = {});

}  // namespace weft::detail
