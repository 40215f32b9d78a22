#include "weft/testing.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "actors/api/service_state.hpp"
#include "actors/api/surroundings.hpp"
#include "actors/coro/completion.hpp"
#include "actors/coro/scope.hpp"
#include "actors/coro/timer_wheel.hpp"
#include "actors/service/loops.hpp"

namespace weft {
namespace detail {
namespace {

using raw_outcome = pending_state::outcome;
using method_slot = coro::completion<method_outcome>;

constexpr std::chrono::milliseconds default_deadline{30'000};
constexpr std::chrono::milliseconds no_delay{-1};

/// What happens to one call of a method.
struct fault {
  std::optional<error> with;
  std::chrono::milliseconds delay = no_delay;
};

std::string text_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

error end_of(coro::cancel_reason why) {
  const bool late = why == coro::cancel_reason::deadline_exceeded;
  error made(
      late ? error_code::deadline_exceeded : error_code::request_cancelled, "{}",
      late ? "the deadline passed before the answer came" : "cancelled: " + std::string(to_string(why)));
  if (late) made.executed = executed::unknown;
  return made;
}

}  // namespace

class test_loop final : public coro::executor, public std::enable_shared_from_this<test_loop> {
 public:
  using methods = std::map<std::string, std::shared_ptr<const method_entry>, std::less<>>;

  ~test_loop() {
    for (const auto& each : services) each->close();
  }

  // -- coro::executor
  coro::clock::time_point now() const noexcept override { return now_; }
  void post(std::coroutine_handle<> handle) override { ready_.push_back(handle); }
  void unpost(std::coroutine_handle<> handle) noexcept override { std::erase(ready_, handle); }

  void run_ready();
  /// False when nothing waits for time.
  bool step();
  /// Runs what is ready, or else lets time pass; false when nothing is left.
  bool bring_on();
  void advance(std::chrono::milliseconds time);
  void spawn(coro::task<void> task);
  std::shared_ptr<pending_state> start(bool to_caller, const coro::context& parent, std::string method,
                                       std::string raw_params, call_options options);
  std::shared_ptr<stream_buffer> open(const coro::context& parent, std::string method, std::string raw_params,
                                      read_options options);
  std::optional<fault> take_fault(const std::string& method);
  const method_entry* find(bool of_caller, std::string_view method) const;

  coro::clock::time_point began() const noexcept { return began_; }

  std::vector<std::shared_ptr<service_state>> services;
  methods served;
  methods of_caller;
  std::map<std::string, std::deque<fault>, std::less<>> faults;
  std::map<std::string, std::size_t, std::less<>> calls;
  std::vector<std::string> failures;
  std::uint64_t caller_generation = 0;
  /// Of the outside caller's connection; what it has called is cancelled with it.
  std::optional<coro::context> connection;

 private:
  void insert(coro::timer& t) override { wheel_.insert(t); }
  void remove(coro::timer& t) noexcept override { wheel_.remove(t); }

  coro::clock::time_point began_{std::chrono::hours(1)};
  coro::clock::time_point now_ = began_;
  coro::timer_wheel wheel_{began_};
  std::deque<std::coroutine_handle<>> ready_;
  /// Last: its frames refer to everything above.
  coro::scope tasks_{*this,
                     [this](const std::exception_ptr& thrown) { failures.push_back(text_of(thrown)); }};
};

namespace {

class test_caller final : public caller::handle {
 public:
  explicit test_caller(const std::shared_ptr<test_loop>& loop)
      : loop_(loop), generation_(loop->caller_generation) {}

  bool connected() const noexcept override {
    const auto loop = loop_.lock();
    return loop && loop->caller_generation == generation_;
  }
  void notify(std::string method, std::string raw_params) const override {
    // An answer to a notification is nobody's.
    const auto dropped = start(std::move(method), std::move(raw_params), {});
    (void)dropped;
  }
  std::shared_ptr<pending_state> start(std::string method, std::string raw_params,
                                       call_options options) const override {
    const auto loop = loop_.lock();
    if (connected())
      return loop->start(true, coro::context(*loop), std::move(method), std::move(raw_params),
                         std::move(options));
    auto lost = std::make_shared<pending_state>();
    error gone(error_code::unavailable, "the connection to the callee is gone");
    gone.executed = executed::no;
    lost->set(std::unexpected(std::move(gone)));
    return lost;
  }
  bool same_as(const handle& other) const noexcept override {
    const auto* of = dynamic_cast<const test_caller*>(&other);
    return of != nullptr && generation_ == of->generation_ && loop_.lock() == of->loop_.lock();
  }

 private:
  std::weak_ptr<test_loop> loop_;
  std::uint64_t generation_;
};

/// All items of a method that streams, for a caller that has asked for no stream.
coro::task<method_outcome> gather(const method_entry* entry, call_context ctx, json params) {
  const coro::context scope = ctx;
  auto source = entry->stream->start(std::move(ctx), params);
  if (!source) co_return std::unexpected(std::move(source.error()));
  auto list = json::array();
  try {
    while (auto item = co_await (*source)->next()) {
      list.push_back(json::parse(item->value));
      if (!scope.cancelled()) continue;
      co_await (*source)->close();
      break;
    }
  } catch (const stream_error& ended) {
    co_return std::unexpected(ended.error);
  }
  co_return list;
}

coro::task<void> run_entry(test_loop* loop, const method_entry* entry, call_context ctx, json params,
                           std::shared_ptr<method_slot> slot) {
  const coro::context scope = ctx;
  method_outcome outcome;
  try {
    if (entry->stream) {
      outcome = co_await gather(entry, std::move(ctx), std::move(params));
    } else if (entry->coroutine) {
      outcome = co_await entry->coroutine(std::move(ctx), std::move(params));
    } else {
      outcome = entry->plain(params);
    }
  } catch (...) {
    loop->failures.push_back(fmt::format("{}: {}", entry->name, text_of(std::current_exception())));
    outcome = std::unexpected(
        error(error_code::internal_error, "internal error in the handler of '{}'", entry->name));
  }
  // What comes late is nobody's.
  if (!scope.cancelled()) slot->set(std::move(outcome));
}

coro::task<raw_outcome> perform(test_loop* loop, bool to_caller, coro::context parent, std::string method,
                                std::string raw_params, call_options options);

class test_surroundings final : public call_surroundings {
 public:
  test_surroundings(test_loop* loop, coro::context scope, std::string trace,
                    std::string raw_after = {}) noexcept
      : loop_(loop), scope_(std::move(scope)), trace_(std::move(trace)), raw_after_(std::move(raw_after)) {}

  coro::context scope() const override { return scope_; }
  task<std::expected<std::string, error>> call(std::optional<std::string>, std::string method,
                                               std::string raw_params, call_options options) const override {
    if (options.traceparent.empty()) options.traceparent = trace_;
    return perform(loop_, false, scope_, std::move(method), std::move(raw_params), std::move(options));
  }
  std::shared_ptr<stream_buffer> open_stream(std::optional<std::string>, std::string method,
                                             std::string raw_params, read_options options) const override {
    if (options.traceparent.empty()) options.traceparent = trace_;
    return loop_->open(scope_, std::move(method), std::move(raw_params), std::move(options));
  }
  std::shared_ptr<const caller::handle> caller_handle() const override {
    return std::make_shared<const test_caller>(loop_->shared_from_this());
  }
  std::shared_ptr<const call_surroundings> under(coro::context scope) const override {
    return std::make_shared<const test_surroundings>(loop_, std::move(scope), trace_, raw_after_);
  }
  const std::string& node() const noexcept override {
    static const std::string name = "test";
    return name;
  }
  std::string traceparent() const override { return trace_; }
  std::string raw_after() const override { return raw_after_; }

 private:
  test_loop* loop_;
  coro::context scope_;
  std::string trace_;
  std::string raw_after_;
};

error unknown_method(const std::string& method) {
  error unknown(error_code::method_not_found, "method '{}' not found", method);
  unknown.executed = executed::no;
  return unknown;
}

/// What the test has said of this call; the error that it is to end with, if it has.
coro::task<std::optional<error>> meet_fault(test_loop* loop, coro::context ctx, std::string method) {
  const auto what = loop->take_fault(method);
  if (!what) co_return std::nullopt;
  const bool dropped = !what->with && what->delay == no_delay;
  const auto until = dropped ? coro::clock::time_point::max()
                             : loop->now() + std::max(what->delay, std::chrono::milliseconds(0));
  if (dropped || what->delay != no_delay) {
    const auto waited = co_await coro::sleep_until(ctx, until);
    if (!waited) co_return end_of(waited.error());
  }
  co_return what->with;
}

coro::task<raw_outcome> perform(test_loop* loop, bool to_caller, coro::context parent, std::string method,
                                std::string raw_params, call_options options) {
  ++loop->calls[method];
  const auto ctx = parent.child(loop->now() + options.deadline.value_or(default_deadline));
  if (auto failed = co_await meet_fault(loop, ctx, method)) co_return std::unexpected(std::move(*failed));
  const auto* entry = loop->find(to_caller, method);
  if (entry == nullptr) co_return std::unexpected(unknown_method(method));
  auto params = parse(raw_params);
  if (!params) co_return std::unexpected(std::move(params.error()));
  const auto slot = std::make_shared<method_slot>();
  call_context told(std::make_shared<const test_surroundings>(loop, ctx, options.traceparent));
  loop->spawn(run_entry(loop, entry, std::move(told), std::move(*params), slot));
  auto outcome = co_await slot->wait(ctx);
  if (!outcome) co_return std::unexpected(end_of(outcome.error()));
  if (!*outcome) {
    auto failed = std::move((*outcome).error());
    if (failed.is(error_code::invalid_params)) failed.executed = executed::no;
    co_return std::unexpected(std::move(failed));
  }
  co_return to_text(**outcome);
}

coro::task<void> bring(test_loop* loop, bool to_caller, coro::context parent, std::string method,
                       std::string raw_params, call_options options, std::shared_ptr<pending_state> to) {
  to->set(co_await perform(loop, to_caller, std::move(parent), std::move(method), std::move(raw_params),
                           std::move(options)));
}

/// What a reader has told the generator, and the generator not yet taken.
struct told_by_reader {
  void wake() {
    if (changed) changed->set();
  }
  std::int64_t granted = 0;
  std::deque<std::string> values;
  std::optional<error> raised;
  bool half_closed = false;
  bool started = false;
  std::optional<coro::completion<void>> changed;
};

class test_link final : public stream_link {
 public:
  test_link(const std::shared_ptr<test_loop>& loop, coro::context scope, std::shared_ptr<told_by_reader> told,
            std::weak_ptr<stream_buffer> buffer) noexcept
      : loop_(loop), scope_(std::move(scope)), told_(std::move(told)), buffer_(std::move(buffer)) {}

  void grant(std::int64_t items) override {
    told_->granted += items;
    told_->wake();
  }
  void send(std::string raw_value) override {
    told_->values.push_back(std::move(raw_value));
    told_->wake();
  }
  void raise(error what) override {
    told_->raised = std::move(what);
    told_->wake();
  }
  void end_input() override {
    told_->half_closed = true;
    told_->wake();
  }
  void take_back() override {
    if (!loop_.expired()) scope_.cancel(coro::cancel_reason::cancelled_by_caller);
  }
  bool bring_on() override {
    const auto loop = loop_.lock();
    if (loop && loop->bring_on()) return true;
    if (const auto buffer = buffer_.lock())
      buffer->finish(error(error_code::unavailable, "nothing is left that could bring the stream on"));
    return true;
  }

 private:
  std::weak_ptr<test_loop> loop_;
  coro::context scope_;
  std::shared_ptr<told_by_reader> told_;
  std::weak_ptr<stream_buffer> buffer_;
};

bool may_step(const told_by_reader& told, bool takes_input) {
  if (told.raised) return true;
  return told.granted > 0 && (!takes_input || !told.started || told.half_closed || !told.values.empty());
}

/// Steps a generator as far as its reader lets it. Throws what it throws.
coro::task<void> drive(std::unique_ptr<stream_source> source, std::shared_ptr<told_by_reader> told,
                       std::shared_ptr<stream_buffer> to, coro::context scope, bool takes_input) {
  if (takes_input) to->accept(16);
  for (;;) {
    while (!may_step(*told, takes_input)) {
      told->changed.emplace();
      if (const auto woken = co_await told->changed->wait(scope); !woken) {
        co_await source->close();
        throw stream_error(end_of(woken.error()));
      }
    }
    std::optional<raw_item> item;
    if (auto raised = std::exchange(told->raised, std::nullopt)) {
      item = co_await source->raise(std::make_exception_ptr(stream_error(std::move(*raised))));
    } else {
      if (std::exchange(told->started, true) && !told->values.empty()) {
        auto refused = source->receive(told->values.front());
        told->values.pop_front();
        to->accept(1);
        if (refused) {
          co_await source->close();
          throw stream_error(std::move(*refused));
        }
      }
      item = co_await source->next();
    }
    if (const auto why = scope.reason()) {
      co_await source->close();
      throw stream_error(end_of(*why));
    }
    if (!item) co_return;
    --told->granted;
    to->put(item->value);
  }
}

coro::task<void> stream_entry_to(test_loop* loop, coro::context scope, std::string method,
                                 std::string raw_params, read_options options,
                                 std::shared_ptr<told_by_reader> told, std::shared_ptr<stream_buffer> to) {
  ++loop->calls[method];
  if (auto failed = co_await meet_fault(loop, scope, method)) co_return to->finish(std::move(*failed));
  const auto* entry = loop->find(false, method);
  if (entry == nullptr) co_return to->finish(unknown_method(method));
  if (!entry->stream)
    co_return to->finish(error(error_code::internal_error,
                               "'{}' does not stream: it has answered with one result; call it", method));
  std::optional<error> ended;
  try {
    const auto params = parse(raw_params);
    auto raw_after = options.after.is_null() ? std::string() : to_text(options.after);
    call_context given(
        std::make_shared<const test_surroundings>(loop, scope, options.traceparent, std::move(raw_after)));
    auto source = params ? entry->stream->start(std::move(given), *params) : std::unexpected(params.error());
    if (source) {
      co_await drive(std::move(*source), std::move(told), to, scope, !entry->stream->input.is_null());
    } else {
      ended = std::move(source.error());
    }
  } catch (const stream_error& failed) {
    ended = failed.error;
  } catch (...) {
    loop->failures.push_back(fmt::format("{}: {}", method, text_of(std::current_exception())));
    ended = error(error_code::internal_error, "internal error in the handler of '{}'", method);
  }
  if (ended && ended->is(error_code::invalid_params)) ended->executed = executed::no;
  to->finish(std::move(ended));
}

}  // namespace

void test_loop::run_ready() {
  const running_loop here(nullptr, *this);
  while (!ready_.empty()) {
    const auto next = ready_.front();
    ready_.pop_front();
    next.resume();
  }
}

bool test_loop::step() {
  const auto due = wheel_.next_due();
  if (!due) return false;
  now_ = std::max(now_, *due);
  {
    const running_loop here(nullptr, *this);
    wheel_.advance(now_, [](coro::timer& t) { expire(t); });
  }
  run_ready();
  return true;
}

void test_loop::advance(std::chrono::milliseconds time) {
  run_ready();
  const auto until = now_ + time;
  for (auto due = wheel_.next_due(); due && *due <= until; due = wheel_.next_due()) step();
  now_ = until;
}

void test_loop::spawn(coro::task<void> task) {
  const running_loop here(nullptr, *this);
  tasks_.spawn(std::move(task));
}

std::shared_ptr<pending_state> test_loop::start(bool to_caller, const coro::context& parent,
                                                std::string method, std::string raw_params,
                                                call_options options) {
  auto state = std::make_shared<pending_state>();
  const auto ctx = parent.child();
  state->on_cancel([ctx, alive = weak_from_this()] {
    if (!alive.expired()) ctx.cancel(coro::cancel_reason::cancelled_by_caller);
  });
  spawn(bring(this, to_caller, ctx, std::move(method), std::move(raw_params), std::move(options), state));
  return state;
}

std::shared_ptr<stream_buffer> test_loop::open(const coro::context& parent, std::string method,
                                               std::string raw_params, read_options options) {
  const auto window = std::max<std::int64_t>(options.window, 1);
  const auto scope =
      parent.child(options.deadline ? now() + *options.deadline : coro::clock::time_point::max());
  auto buffer = std::make_shared<stream_buffer>(window);
  auto told = std::make_shared<told_by_reader>();
  told->granted = window;
  buffer->connect(std::make_unique<test_link>(shared_from_this(), scope, told, buffer));
  spawn(stream_entry_to(this, scope, std::move(method), std::move(raw_params), std::move(options), told,
                        buffer));
  return buffer;
}

bool test_loop::bring_on() {
  if (ready_.empty()) return step();
  run_ready();
  return true;
}

std::optional<fault> test_loop::take_fault(const std::string& method) {
  const auto found = faults.find(method);
  if (found == faults.end() || found->second.empty()) return std::nullopt;
  auto first = std::move(found->second.front());
  found->second.pop_front();
  return first;
}

const method_entry* test_loop::find(bool of_caller_side, std::string_view method) const {
  const auto& table = of_caller_side ? of_caller : served;
  const auto found = table.find(method);
  return found == table.end() ? nullptr : found->second.get();
}

pending_state::outcome run_until_ready(test_loop& loop, pending_state& call) {
  loop.run_ready();
  while (!call.ready() && loop.step()) continue;
  if (call.ready()) return call.take();
  return std::unexpected(error(error_code::unavailable, "nothing is left that could bring an answer"));
}

void run_ready(test_loop& loop) {
  loop.run_ready();
}

}  // namespace detail

test_mesh::test_mesh() : loop_(std::make_shared<detail::test_loop>()) {
  loop_->connection.emplace(*loop_);
}

test_mesh::~test_mesh() = default;

test_mesh& test_mesh::add(const service& methods) {
  for (const auto& entry : methods.state()->methods()) loop_->served[entry->name] = entry;
  loop_->services.push_back(methods.state());
  methods.state()->open(
      [loop = loop_.get()](coro::task<void> background) { loop->spawn(std::move(background)); });
  return *this;
}

test_mesh& test_mesh::add_to_caller(const service& methods) {
  for (const auto& entry : methods.state()->methods()) loop_->of_caller[entry->name] = entry;
  return *this;
}

void test_mesh::fail(std::string method, error with, std::size_t times) {
  auto& faults = loop_->faults[std::move(method)];
  for (std::size_t i = 0; i < times; ++i) faults.push_back({with, detail::no_delay});
}

void test_mesh::delay(std::string method, std::chrono::milliseconds time, std::size_t times) {
  auto& faults = loop_->faults[std::move(method)];
  for (std::size_t i = 0; i < times; ++i) faults.push_back({{}, time});
}

void test_mesh::drop(std::string method, std::size_t times) {
  auto& faults = loop_->faults[std::move(method)];
  for (std::size_t i = 0; i < times; ++i) faults.push_back({{}, detail::no_delay});
}

std::chrono::milliseconds test_mesh::elapsed() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(loop_->now() - loop_->began());
}

void test_mesh::advance(std::chrono::milliseconds time) {
  loop_->advance(time);
}

void test_mesh::disconnect_caller() {
  ++loop_->caller_generation;
  loop_->connection->cancel(coro::cancel_reason::disconnected);
  loop_->connection.emplace(*loop_);
  loop_->run_ready();
}

std::size_t test_mesh::calls_of(std::string_view method) const {
  const auto found = loop_->calls.find(method);
  return found == loop_->calls.end() ? 0 : found->second;
}

const std::vector<std::string>& test_mesh::failures() const {
  return loop_->failures;
}

std::shared_ptr<detail::pending_state> test_mesh::start_raw(std::string method, std::string raw_params,
                                                            call_options options) const {
  return loop_->start(false, *loop_->connection, std::move(method), std::move(raw_params),
                      std::move(options));
}

std::shared_ptr<detail::stream_buffer> test_mesh::open_stream(std::string method, std::string raw_params,
                                                              read_options options) const {
  return loop_->open(*loop_->connection, std::move(method), std::move(raw_params), std::move(options));
}

}  // namespace weft
