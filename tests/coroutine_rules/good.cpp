// Read by check_coroutines_test.py, never compiled: nothing here breaks a rule.

namespace good {

// A comment with co_await and a (bracket.
const char* text = "co_await std::lock_guard (";
const char* raw = R"(co_return { )";
const char brace = '{';
const int million = 1'000'000;

#define AWAIT(x) \
  co_await (x)

task<> by_value(std::string name, context ctx, int retries = a < b & c) { co_return; }
task<> with_callback(std::function<void(const int&, std::string_view)> done, void (*plain)(int&)) { co_return; }
task<> pointer(actor* self, std::vector<std::string> names = {"a", "b"}) {
  if (co_await ready()) {
    for (auto& name : names) co_await send(name);
  }
}
auto trailing(int x) noexcept(noexcept(x + 1)) -> task<std::vector<int>> { co_return {x}; }

template <class T>
task<T> constrained(T value)
  requires(sizeof(T) > 1 && std::movable<T>)
{
  co_return value;
}

// No coroutines: references, captures and locks are their own business.
void plain(const std::string& name, std::string_view view, int&& x) {
  std::lock_guard lock(mutex);
  worker.detach();
  auto captured = [&](int y) { return x + y; };
}

task<> lambda_without_captures() {
  auto inner = [](int x) -> task<int> { co_return x; };
  auto generic = []<class T>(T x) -> task<T> { co_return x; };
  // What is no coroutine itself may capture and lock inside of one.
  auto count = [&](const std::string& key) {
    std::lock_guard lock(mutex);
    return counts[key];
  };
  array[0] = co_await inner(count("a"));
}

struct service {
  explicit service(int& x) : x_(x), y_{1} {}
  static task<> run(service* self) {
    switch (self->y_) {
      case 1: {
        co_await by_value("a", {});
      }
    }
    do {
      co_yield 1;
    } while (true);
  }
  int& x_;
  int y_;
};

class awaitable {
  awaiter operator co_await() && noexcept { return {}; }
  bool ready(awaitable& other) { return other.operator co_await().await_ready(); }
};

task<> excepted(const config& c) {  // coroutine-rules: lives as long as the process
  co_return;
}

task<> excepted_above(
    // coroutine-rules: never suspends
    std::string_view name) {
  co_return;
}

}  // namespace good
