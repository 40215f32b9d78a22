// Streams in a weft::test_mesh: a generator is stepped as far as its reader lets it.
#include <algorithm>
#include <deque>
#include <utility>

#include "actors/api/test_loop.hpp"
#include "actors/coro/completion.hpp"

namespace weft::detail {
namespace {

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
  test_link(const std::shared_ptr<test_loop>& loop, coro::cancel_scope scope,
            std::shared_ptr<told_by_reader> told, std::weak_ptr<stream_buffer> buffer) noexcept
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
  coro::cancel_scope scope_;
  std::shared_ptr<told_by_reader> told_;
  std::weak_ptr<stream_buffer> buffer_;
};

/// For each value: without a wire, only their number is limited.
constexpr std::int64_t input_bytes = std::int64_t{1} << 30;

bool may_step(const told_by_reader& told, bool takes_input) {
  if (told.raised) return true;
  return told.granted > 0 && (!takes_input || !told.started || told.half_closed || !told.values.empty());
}

/// Steps a generator as far as its reader lets it. Throws what it throws.
coro::task<void> drive(std::unique_ptr<stream_source> source, std::shared_ptr<told_by_reader> told,
                       std::shared_ptr<stream_buffer> to, coro::cancel_scope scope, bool takes_input) {
  if (takes_input) to->accept(16, input_bytes);
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
        to->accept(1, input_bytes);
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
    to->put(std::move(*item));
  }
}

coro::task<void> stream_entry_to(test_loop* loop, test_side who, coro::cancel_scope scope, std::string method,
                                 std::string raw_params, read_options options,
                                 std::shared_ptr<told_by_reader> told, std::shared_ptr<stream_buffer> to) {
  ++loop->calls[method];
  if (auto failed = co_await meet_fault(loop, scope, method)) co_return to->finish(std::move(failed));
  const auto* entry = loop->find(who, method);
  if (entry == nullptr) co_return to->finish(unknown_method(method));
  if (!entry->stream)
    co_return to->finish(error(error_code::internal_error,
                               "'{}' does not stream: it has answered with one result; call it", method));
  std::optional<error> ended;
  try {
    const auto params = parse(raw_params);
    auto raw_after = options.after.is_null() ? std::string() : to_text(options.after);
    auto given = context_of(loop, scope, options.traceparent, std::move(raw_after));
    auto source = params ? entry->stream->start(std::move(given), *params) : std::unexpected(params.error());
    if (source) {
      co_await drive(std::move(*source), std::move(told), to, scope, !entry->stream->input.is_null());
    } else {
      ended = std::move(source.error());
    }
  } catch (const stream_error& failed) {
    ended = failed.error;
  } catch (...) {
    loop->note_failure(method, std::current_exception());
    ended = error(error_code::internal_error, "internal error in the handler of '{}'", method);
  }
  if (ended && ended->is(error_code::invalid_params)) ended->executed = executed::no;
  to->finish(std::move(ended));
}

}  // namespace

std::shared_ptr<stream_buffer> test_loop::open(test_side who, const coro::cancel_scope& parent,
                                               std::string method, std::string raw_params,
                                               read_options options) {
  const auto window = std::max<std::int64_t>(options.window, 1);
  const auto scope =
      parent.child(options.deadline ? now() + *options.deadline : coro::clock::time_point::max());
  auto buffer = std::make_shared<stream_buffer>(window);
  auto told = std::make_shared<told_by_reader>();
  told->granted = window;
  buffer->connect(std::make_unique<test_link>(shared_from_this(), scope, told, buffer));
  spawn(stream_entry_to(this, who, scope, std::move(method), std::move(raw_params), std::move(options), told,
                        buffer));
  return buffer;
}

}  // namespace weft::detail
