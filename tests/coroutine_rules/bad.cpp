// Read by check_coroutines_test.py, never compiled: each line breaks the rule that its comment names.

namespace bad {

task<> reference(const std::string& name) { co_return; }       // expect: reference-parameter
task<> rvalue(std::string&& name) { co_return; }               // expect: rvalue-reference-parameter
task<> view(std::string_view name) { co_return; }              // expect: view-parameter
task<> bytes(int n, std::span<const std::byte> data) {         // expect: view-parameter
  co_await next(n);
}
task<> nested_view(std::optional<std::string_view> name) {     // expect: view-parameter
  co_return;
}
task<> several(
    int x,
    context& ctx,               // expect: reference-parameter
    std::function<void()> done,
    json&& value                // expect: rvalue-reference-parameter
) {
  if constexpr (true) {
    co_return;
  }
}

template <class T>
generator<T> forwarded(T&& range) noexcept(false)  // expect: rvalue-reference-parameter
  requires std::ranges::range<T>
{
  for (auto x : range) co_yield x;
}

auto service::member(const request& r) const -> task<std::map<int, int>> {  // expect: reference-parameter
  while (true) {
    if (r.done()) [[likely]] {
      co_return {};
    }
  }
}

void start() {
  scope.spawn([&]() -> task<> { co_return; }());               // expect: capturing-lambda
  scope.spawn([this] -> task<> { co_return; }());              // expect: capturing-lambda
  scope.spawn([x = 1]<class T>(T y) -> task<> { co_return; }(1));  // expect: capturing-lambda
  scope.spawn([](auto&& y) -> task<> { co_return; }(1));       // expect: rvalue-reference-parameter
}

task<> body(context ctx) {
  std::lock_guard<std::mutex> a(mutex);                        // expect: lock
  std::unique_lock b(mutex);                                   // expect: lock
  {
    const std::scoped_lock c(mutex);                           // expect: lock
  }
  static thread_local int counter = 0;                         // expect: thread-local
  worker.detach();                                             // expect: detach
  thread_pointer->detach();                                    // expect: detach
  co_await sleep_for(ctx, 1s);
}

// An exception without a reason is none.
task<> no_reason(
    // coroutine-rules:
    int& x) {                                                  // expect: reference-parameter
  co_return;
}

struct HEAD_OF_A_FUNCTION {
  co_return;                                                   // expect: unrecognised
};

}  // namespace bad
