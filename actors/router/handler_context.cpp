#include "actors/service/handler_context.hpp"

#include <algorithm>
#include <utility>

#include "actors/router/router.hpp"
#include "proto/error.hpp"

namespace weft {
namespace {

using coro::clock;

/// Takes the call back when the coroutine that waits for its answer goes away before that.
class started_call {
 public:
  started_call(router& home, const outbound_slot& slot, call_key key) noexcept
      : home_(home), slot_(slot), key_(key) {}
  ~started_call() {
    if (!slot_.is_set()) home_.own_calls().abandon(key_);
  }
  started_call(const started_call&) = delete;
  started_call& operator=(const started_call&) = delete;

 private:
  router& home_;
  const outbound_slot& slot_;
  call_key key_;
};

rpc_error to_error(coro::cancel_reason reason, const std::string& node) {
  if (reason == coro::cancel_reason::deadline_exceeded) {
    return make_mesh_error(error_code::deadline_exceeded, "the deadline passed before the answer came",
                           executed::unknown, node);
  }
  return make_error(error_code::request_cancelled,
                    std::string("cancelled: ") + std::string(to_string(reason)));
}

coro::task<raw_result> perform(handler_context ctx, remote::address to, std::string method,
                               std::string raw_params, std::optional<std::chrono::milliseconds> timeout) {
  auto& home = ctx.home();
  const auto now = home.executor().now();
  const auto own_timeout = timeout.value_or(home.options().protocol.default_deadline);
  const auto deadline = std::min(ctx.deadline(), now + own_timeout);
  const coro::cancel_scope limited = ctx.child(deadline);
  const bool to_anyone = std::holds_alternative<remote::anyone>(to);
  constexpr int most_attempts = 3;
  for (int attempt = 1;; ++attempt) {
    if (to_anyone && home.lacks_uplink(method))
      co_await home.uplink_up(limited.child(home.executor().now() + home.options().mesh.connect_timeout));
    if (const auto reason = limited.reason()) co_return std::unexpected(to_error(*reason, ctx.node()));
    const auto uplink = home.uplink();
    outbound_slot slot;
    const started_call taken_back(home, slot,
                                  home.own_calls().start(to, method, raw_params, ctx, deadline, slot));
    auto answer = co_await slot.wait(limited);
    if (!answer) co_return std::unexpected(to_error(answer.error(), ctx.node()));
    // A call that did not run on a connection that is gone goes over the next one.
    const bool lost =
        to_anyone && !*answer && (*answer).error().ran == executed::no && uplink && home.uplink() != uplink;
    if (!lost || attempt == most_attempts) co_return std::move(*answer);
  }
}

coro::task<json_result> perform_parsed(coro::task<raw_result> raw) {
  auto answer = co_await std::move(raw);
  if (!answer) co_return std::unexpected(std::move(answer.error()));
  auto parsed = nlohmann::json::parse(*answer, nullptr, false);
  if (parsed.is_discarded()) {
    co_return std::unexpected(
        make_error(error_code::internal_error, "the result holds a number out of range"));
  }
  co_return parsed;
}

}  // namespace

rpc_error cancelled_error(coro::cancel_reason why, const std::string& node) {
  return to_error(why, node);
}

const std::string& handler_context::node() const noexcept {
  return home_->options().id;
}

coro::task<raw_result> remote::call_raw(std::string method, std::string raw_params,
                                        std::optional<std::chrono::milliseconds> timeout) const {
  return perform(*caller_, to_, std::move(method), std::move(raw_params), timeout);
}

coro::task<json_result> remote::call(std::string method, const nlohmann::json& params,
                                     std::optional<std::chrono::milliseconds> timeout) const {
  auto raw = params.is_null() ? std::string()
                              : params.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return perform_parsed(call_raw(std::move(method), std::move(raw), timeout));
}

}  // namespace weft
