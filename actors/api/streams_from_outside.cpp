#include "actors/api/streams_from_outside.hpp"

#include <algorithm>
#include <utility>

#include "actors/api/calls_from_outside.hpp"
#include "actors/api/errors.hpp"
#include "actors/router/router.hpp"
#include "proto/message.hpp"
#include "proto/stream.hpp"

namespace weft {
namespace {

using detail::stream_buffer;
using proto::stream_message;

/// Brings the end; one that never does says so with its own.
class feeder {
 public:
  explicit feeder(std::shared_ptr<stream_buffer> to) noexcept : to_(std::move(to)) {}
  feeder(feeder&& other) noexcept = default;
  feeder& operator=(feeder&&) = delete;
  ~feeder() {
    if (!to_) return;
    error lost(error_code::unavailable, "the connection was closed before the end of the stream");
    lost.executed = ran_;
    to_->finish(std::move(lost));
  }

  void may_have_run() noexcept { ran_ = executed::unknown; }
  stream_buffer& buffer() const noexcept { return *to_; }

 private:
  std::shared_ptr<stream_buffer> to_;
  executed ran_ = executed::no;
};

/// What the reactor knows of a stream that is under way; used there only.
struct at_reactor {
  void tell(router* home, stream_message what, const proto::stream_members& members) const {
    if (scope) home->own_calls().tell_callee(key, what, members);
  }
  call_key key;
  std::int64_t sent = 0;
  bool taken_back = false;
  /// While the stream is open.
  std::optional<coro::cancel_scope> scope;
};

class posting_link final : public detail::stream_link {
 public:
  posting_link(std::shared_ptr<loop_gate> gate, std::size_t reactor_index,
               std::shared_ptr<at_reactor> there) noexcept
      : gate_(std::move(gate)), reactor_index_(reactor_index), there_(std::move(there)) {}

  void grant(std::int64_t items) override {
    gate_->post(reactor_index_, [there = there_, items](router* home) {
      if (there->scope) home->own_calls().take_items(there->key, items);
    });
  }
  void send(std::string raw_value) override {
    gate_->post(reactor_index_, [there = there_, raw = std::move(raw_value)](router* home) {
      const proto::count_text seq(there->sent++);
      proto::stream_members members;
      members.seq = seq;
      members.value = raw;
      there->tell(home, stream_message::send, members);
    });
  }
  void raise(error what) override {
    gate_->post(reactor_index_, [there = there_, what = std::move(what)](router* home) mutable {
      std::string text;
      proto::append_error_object(text, to_rpc_error(std::move(what)));
      proto::stream_members members;
      members.error = text;
      there->tell(home, stream_message::raise, members);
    });
  }
  void end_input() override {
    gate_->post(reactor_index_,
                [there = there_](router* home) { there->tell(home, stream_message::end, {}); });
  }
  void take_back() override {
    gate_->post(reactor_index_, [there = there_](router*) {
      there->taken_back = true;
      if (there->scope) there->scope->cancel(coro::cancel_reason::cancelled_by_caller);
    });
  }

 private:
  std::shared_ptr<loop_gate> gate_;
  std::size_t reactor_index_;
  std::shared_ptr<at_reactor> there_;
};

class reading_end final : public stream_end {
 public:
  reading_end(stream_buffer& to, at_reactor& at, const weft::handler_context& ctx, const outside_stream& what)
      : to_(to), at_(at), ctx_(ctx) {
    at_.scope = ctx_;
    const auto& after = what.options.after;
    at_.key = ctx_.home().own_calls().start_stream(
        what.to, what.method, what.raw_params, ctx_,
        {what.options.window, after.is_null() ? std::string() : detail::to_text(after)}, *this, slot_);
    if (at_.taken_back) ctx_.cancel(coro::cancel_reason::cancelled_by_caller);
  }
  reading_end(const reading_end&) = delete;
  reading_end& operator=(const reading_end&) = delete;
  ~reading_end() {
    at_.scope.reset();
    ctx_.home().own_calls().abandon(at_.key);
  }
  auto answer() { return slot_.wait(ctx_); }
  bool has_items() const noexcept { return has_items_; }

 private:
  void on_grant(std::int64_t items, std::int64_t bytes) override { to_.accept(items, bytes); }
  void on_value(std::string_view raw_value) override {
    has_items_ = true;
    to_.put({std::string(raw_value), std::exchange(raw_cursor_, {})});
  }
  void on_cursor(std::string_view raw_cursor) override { raw_cursor_ = raw_cursor; }
  void on_raise(rpc_error) override {}
  void on_half_close() override {}
  void on_answer() override {}

  stream_buffer& to_;
  at_reactor& at_;
  weft::handler_context ctx_;
  outbound_slot slot_;
  bool has_items_ = false;
  /// The cursor of the item that is about to come.
  std::string raw_cursor_;
};

std::optional<error> how_it_ended(const raw_result& answer, bool had_items, const std::string& method) {
  if (!answer) return to_error(answer.error());
  if (had_items || *answer == "null") return std::nullopt;
  return error(error_code::internal_error, "'{}' does not stream: it has answered with one result; call it",
               method);
}

coro::task<void> follow(feeder to, std::shared_ptr<at_reactor> at, weft::handler_context ctx,
                        outside_stream what) {
  to.may_have_run();
  reading_end end(to.buffer(), *at, ctx, what);
  const auto answer = co_await end.answer();
  if (answer) {
    to.buffer().finish(how_it_ended(*answer, end.has_items(), what.method));
  } else {
    to.buffer().finish(to_error(cancelled_error(answer.error(), ctx.node())));
  }
}

weft::handler_context around(const weft::handler_context& ctx, const read_options& options) {
  const call_options same{options.deadline, options.traceparent, options.tracestate, options.route_key};
  const auto until =
      options.deadline ? ctx.get_executor().now() + *options.deadline : coro::clock::time_point::max();
  return with_options(ctx.with(ctx.child(until)), same);
}

struct opened {
  std::shared_ptr<stream_buffer> buffer;
  std::shared_ptr<at_reactor> there = std::make_shared<at_reactor>();
};

opened prepare(const std::shared_ptr<loop_gate>& gate, std::size_t reactor_index, outside_stream& what) {
  what.options.window = std::max<std::int64_t>(what.options.window, 1);
  opened made{std::make_shared<stream_buffer>(what.options.window)};
  made.buffer->connect(std::make_unique<posting_link>(gate, reactor_index, made.there));
  return made;
}

}  // namespace

std::shared_ptr<stream_buffer> open_stream(const std::shared_ptr<loop_gate>& gate, std::size_t reactor_index,
                                           outside_stream what) {
  const auto made = prepare(gate, reactor_index, what);
  gate->post(reactor_index, [to = feeder(made.buffer), there = made.there,
                             what = std::move(what)](router* home) mutable {
    const weft::handler_context ctx(coro::cancel_scope(home->executor()), *home, connection_key{}, nullptr);
    auto scope = around(ctx, what.options);
    home->spawn(follow(std::move(to), std::move(there), std::move(scope), std::move(what)));
  });
  return made.buffer;
}

std::shared_ptr<stream_buffer> open_stream(const std::shared_ptr<loop_gate>& gate,
                                           const weft::handler_context& ctx, outside_stream what) {
  auto& home = ctx.home();
  const auto made = prepare(gate, home.index(), what);
  auto scope = around(ctx, what.options);
  home.spawn(follow(feeder(made.buffer), made.there, std::move(scope), std::move(what)));
  return made.buffer;
}

}  // namespace weft
