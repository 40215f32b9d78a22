// Calls in a weft::test_mesh: what a method is told of its call, and how it is run.
#include <algorithm>
#include <utility>

#include "actors/api/surroundings.hpp"
#include "actors/api/test_loop.hpp"
#include "actors/coro/completion.hpp"
#include "actors/coro/sleep.hpp"

namespace weft::detail {
namespace {

using raw_outcome = pending_state::outcome;
using method_slot = coro::completion<method_outcome>;

constexpr std::chrono::milliseconds default_deadline{30'000};

/// To a caller that is gone.
class no_link final : public stream_link {
  void grant(std::int64_t) override {}
  void send(std::string) override {}
  void raise(error) override {}
  void end_input() override {}
  void take_back() override {}
};

error gone() {
  error lost(error_code::unavailable, "the connection to the callee is gone");
  lost.executed = executed::no;
  return lost;
}

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
      return loop->start(test_side::caller, coro::cancel_scope(*loop), std::move(method),
                         std::move(raw_params), std::move(options));
    auto lost = std::make_shared<pending_state>();
    lost->set(std::unexpected(gone()));
    return lost;
  }
  std::shared_ptr<stream_buffer> open_stream(std::string method, std::string raw_params,
                                             read_options options) const override {
    const auto loop = loop_.lock();
    if (connected())
      return loop->open(test_side::caller, coro::cancel_scope(*loop), std::move(method),
                        std::move(raw_params), std::move(options));
    auto lost = std::make_shared<stream_buffer>(1);
    lost->connect(std::make_unique<no_link>());
    lost->finish(gone());
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
  const coro::cancel_scope scope = ctx;
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
  const coro::cancel_scope scope = ctx;
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
    loop->note_failure(entry->name, std::current_exception());
    outcome = std::unexpected(
        error(error_code::internal_error, "internal error in the handler of '{}'", entry->name));
  }
  // What comes late is nobody's.
  if (!scope.cancelled()) slot->set(std::move(outcome));
}

coro::task<raw_outcome> perform(test_loop* loop, test_side who, coro::cancel_scope parent, std::string method,
                                std::string raw_params, call_options options);

class test_surroundings final : public call_surroundings {
 public:
  test_surroundings(test_loop* loop, coro::cancel_scope scope, std::string trace,
                    std::string raw_after = {}) noexcept
      : loop_(loop), scope_(std::move(scope)), trace_(std::move(trace)), raw_after_(std::move(raw_after)) {}

  coro::cancel_scope scope() const override { return scope_; }
  task<std::expected<std::string, error>> call(std::optional<std::string>, std::string method,
                                               std::string raw_params, call_options options) const override {
    if (options.traceparent.empty()) options.traceparent = trace_;
    return perform(loop_, test_side::served, scope_, std::move(method), std::move(raw_params),
                   std::move(options));
  }
  std::shared_ptr<stream_buffer> open_stream(std::optional<std::string>, std::string method,
                                             std::string raw_params, read_options options) const override {
    if (options.traceparent.empty()) options.traceparent = trace_;
    return loop_->open(test_side::served, scope_, std::move(method), std::move(raw_params),
                       std::move(options));
  }
  void notify(std::optional<std::string>, std::string method, std::string raw_params) const override {
    // An answer to a notification is nobody's.
    const auto dropped = loop_->start(test_side::served, coro::cancel_scope(*loop_), std::move(method),
                                      std::move(raw_params), {.traceparent = trace_});
    (void)dropped;
  }
  std::shared_ptr<const caller::handle> caller_handle() const override {
    return std::make_shared<const test_caller>(loop_->shared_from_this());
  }
  std::shared_ptr<const call_surroundings> under(coro::cancel_scope scope) const override {
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
  coro::cancel_scope scope_;
  std::string trace_;
  std::string raw_after_;
};

coro::task<raw_outcome> perform(test_loop* loop, test_side who, coro::cancel_scope parent, std::string method,
                                std::string raw_params, call_options options) {
  ++loop->calls[method];
  const auto ctx = parent.child(loop->now() + options.deadline.value_or(default_deadline));
  if (auto failed = co_await meet_fault(loop, ctx, method)) co_return std::unexpected(std::move(*failed));
  const auto* entry = loop->find(who, method);
  if (entry == nullptr) co_return std::unexpected(unknown_method(method));
  auto params = parse(raw_params);
  if (!params) co_return std::unexpected(std::move(params.error()));
  const auto slot = std::make_shared<method_slot>();
  loop->spawn(run_entry(loop, entry, context_of(loop, ctx, options.traceparent), std::move(*params), slot));
  auto outcome = co_await slot->wait(ctx);
  if (!outcome) co_return std::unexpected(end_of(outcome.error()));
  if (!*outcome) {
    auto failed = std::move((*outcome).error());
    if (failed.is(error_code::invalid_params)) failed.executed = executed::no;
    co_return std::unexpected(std::move(failed));
  }
  co_return to_text(**outcome);
}

coro::task<void> bring(test_loop* loop, test_side who, coro::cancel_scope parent, std::string method,
                       std::string raw_params, call_options options, std::shared_ptr<pending_state> to) {
  to->set(co_await perform(loop, who, std::move(parent), std::move(method), std::move(raw_params),
                           std::move(options)));
}

}  // namespace

error end_of(coro::cancel_reason why) {
  const bool late = why == coro::cancel_reason::deadline_exceeded;
  error made(
      late ? error_code::deadline_exceeded : error_code::request_cancelled, "{}",
      late ? "the deadline passed before the answer came" : "cancelled: " + std::string(to_string(why)));
  if (late) made.executed = executed::unknown;
  return made;
}

error unknown_method(const std::string& method) {
  error unknown(error_code::method_not_found, "method '{}' not found", method);
  unknown.executed = executed::no;
  return unknown;
}

coro::task<std::optional<error>> meet_fault(test_loop* loop, coro::cancel_scope ctx, std::string method) {
  const auto what = loop->take_fault(method);
  if (!what) co_return std::nullopt;
  const bool dropped = !what->with && what->delay == fault::no_delay;
  const auto until = dropped ? coro::clock::time_point::max()
                             : loop->now() + std::max(what->delay, std::chrono::milliseconds(0));
  if (dropped || what->delay != fault::no_delay) {
    const auto waited = co_await coro::sleep_until(ctx, until);
    if (!waited) co_return end_of(waited.error());
  }
  co_return what->with;
}

call_context context_of(test_loop* loop, coro::cancel_scope scope, std::string traceparent,
                        std::string raw_after) {
  return call_context(std::make_shared<const test_surroundings>(
      loop, std::move(scope), std::move(traceparent), std::move(raw_after)));
}

std::shared_ptr<pending_state> test_loop::start(test_side who, const coro::cancel_scope& parent,
                                                std::string method, std::string raw_params,
                                                call_options options) {
  auto state = std::make_shared<pending_state>();
  const auto ctx = parent.child();
  state->on_cancel([ctx, alive = weak_from_this()] {
    if (!alive.expired()) ctx.cancel(coro::cancel_reason::cancelled_by_caller);
  });
  spawn(bring(this, who, ctx, std::move(method), std::move(raw_params), std::move(options), state));
  return state;
}

}  // namespace weft::detail
