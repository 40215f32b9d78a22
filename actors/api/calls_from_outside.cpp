#include "actors/api/calls_from_outside.hpp"

#include <utility>

#include "actors/api/errors.hpp"
#include "actors/router/router.hpp"
#include "proto/message.hpp"

namespace weft {
namespace {

using detail::pending_state;

/// Brings the outcome; one that never does says so with its end.
class completer {
 public:
  explicit completer(std::shared_ptr<pending_state> to) noexcept : to_(std::move(to)) {}
  completer(completer&& other) noexcept = default;
  completer& operator=(completer&&) = delete;
  ~completer() {
    if (!to_) return;
    error lost(error_code::unavailable, "the connection was closed before the answer came");
    lost.executed = ran_;
    to_->set(std::unexpected(std::move(lost)));
  }

  void may_have_run() noexcept { ran_ = executed::unknown; }
  void set(pending_state::outcome outcome) { std::exchange(to_, nullptr)->set(std::move(outcome)); }

 private:
  std::shared_ptr<pending_state> to_;
  executed ran_ = executed::no;
};

/// The surroundings of one call; used on its reactor only.
struct cancellation {
  void ask() {
    asked = true;
    if (ctx) ctx->cancel(coro::cancel_reason::cancelled_by_caller);
  }
  bool asked = false;
  std::optional<coro::cancel_scope> ctx;
};

coro::task<void> perform(router* home, completer done, std::shared_ptr<cancellation> taken_back,
                         outside_call what) {
  const coro::cancel_scope base(home->executor());
  taken_back->ctx = base;
  if (taken_back->asked) base.cancel(coro::cancel_reason::cancelled_by_caller);
  done.may_have_run();
  auto ctx = with_options(weft::handler_context(base, *home, connection_key{}, nullptr), what.options);
  const remote to(std::make_shared<const weft::handler_context>(std::move(ctx)), what.to);
  auto answer = co_await to.call_raw(what.method, what.raw_params, what.options.deadline);
  taken_back->ctx.reset();
  if (answer) {
    done.set(std::move(*answer));
  } else {
    done.set(std::unexpected(to_error(std::move(answer.error()))));
  }
}

}  // namespace

weft::handler_context with_options(weft::handler_context ctx, const call_options& options) {
  if (!options.traceparent.empty()) {
    trace_members trace;
    proto::append_quoted(trace.raw_traceparent, options.traceparent);
    if (!options.tracestate.empty()) proto::append_quoted(trace.raw_tracestate, options.tracestate);
    ctx = ctx.with(ctx, std::make_shared<const trace_members>(std::move(trace)));
  }
  if (!options.route_key.is_null()) ctx = ctx.keyed(detail::to_text(options.route_key));
  return ctx;
}

std::shared_ptr<pending_state> start_call(const std::shared_ptr<loop_gate>& gate, std::size_t reactor_index,
                                          outside_call what) {
  auto state = std::make_shared<pending_state>();
  auto taken_back = std::make_shared<cancellation>();
  state->on_cancel([gate, reactor_index, taken_back] {
    gate->post(reactor_index, [taken_back](router*) { taken_back->ask(); });
  });
  gate->post(reactor_index,
             [done = completer(state), taken_back, what = std::move(what)](router* home) mutable {
               home->spawn(perform(home, std::move(done), taken_back, std::move(what)));
             });
  return state;
}

coro::task<void> guarded(router* home, coro::task<void> work) {
  try {
    co_await std::move(work);
  } catch (const std::exception& e) {
    home->on_task_failed(e.what());
  } catch (...) {
    home->on_task_failed("an exception that is no std::exception");
  }
}

}  // namespace weft
