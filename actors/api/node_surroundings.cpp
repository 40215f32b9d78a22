// Methods that a node runs: their calls go through its router.
#include <atomic>
#include <utility>

#include "actors/api/calls_from_outside.hpp"
#include "actors/api/errors.hpp"
#include "actors/api/streams_from_outside.hpp"
#include "actors/router/router.hpp"

namespace weft {
namespace {

class connection_handle final : public caller::handle {
 public:
  connection_handle(std::shared_ptr<loop_gate> gate, std::size_t reactor_index, connection_key key,
                    std::shared_ptr<const std::atomic<bool>> alive) noexcept
      : gate_(std::move(gate)), reactor_index_(reactor_index), key_(key), alive_(std::move(alive)) {}

  bool connected() const noexcept override { return alive_ && alive_->load(); }
  void notify(std::string method, std::string raw_params) const override {
    gate_->post(reactor_index_, [key = key_, method = std::move(method), params = std::move(raw_params)](
                                    router* home) { home->own_calls().notify(key, method, params); });
  }
  std::shared_ptr<detail::pending_state> start(std::string method, std::string raw_params,
                                               call_options options) const override {
    return start_call(gate_, reactor_index_,
                      {key_, std::move(method), std::move(raw_params), std::move(options)});
  }
  std::shared_ptr<detail::stream_buffer> open_stream(std::string method, std::string raw_params,
                                                     read_options options) const override {
    return weft::open_stream(gate_, reactor_index_,
                             {key_, std::move(method), std::move(raw_params), std::move(options)});
  }
  bool same_as(const handle& other) const noexcept override {
    const auto* of = dynamic_cast<const connection_handle*>(&other);
    return of != nullptr && gate_ == of->gate_ && reactor_index_ == of->reactor_index_ && key_ == of->key_;
  }

 private:
  std::shared_ptr<loop_gate> gate_;
  std::size_t reactor_index_;
  connection_key key_;
  std::shared_ptr<const std::atomic<bool>> alive_;
};

coro::task<std::expected<std::string, error>> perform(weft::handler_context ctx, remote::address to,
                                                      std::string method, std::string raw_params,
                                                      call_options options) {
  const remote whom(std::make_shared<const weft::handler_context>(with_options(std::move(ctx), options)),
                    std::move(to));
  auto answer = co_await whom.call_raw(std::move(method), std::move(raw_params), options.deadline);
  if (!answer) co_return std::unexpected(to_error(std::move(answer.error())));
  co_return std::move(*answer);
}

coro::task<void> perform_unheard(weft::handler_context ctx, std::string method, std::string raw_params) {
  (void)co_await perform(std::move(ctx), remote::anyone{}, std::move(method), std::move(raw_params), {});
}

class node_surroundings final : public detail::call_surroundings {
 public:
  node_surroundings(weft::handler_context ctx, std::shared_ptr<loop_gate> gate,
                    std::string raw_after) noexcept
      : ctx_(std::move(ctx)), gate_(std::move(gate)), raw_after_(std::move(raw_after)) {}

  coro::cancel_scope scope() const override { return ctx_; }
  task<std::expected<std::string, error>> call(std::optional<std::string> peer, std::string method,
                                               std::string raw_params, call_options options) const override {
    remote::address to = remote::anyone{};
    if (peer) to = remote::peer_name{std::move(*peer)};
    return perform(ctx_, std::move(to), std::move(method), std::move(raw_params), std::move(options));
  }
  std::shared_ptr<detail::stream_buffer> open_stream(std::optional<std::string> peer, std::string method,
                                                     std::string raw_params,
                                                     read_options options) const override {
    remote::address to = remote::anyone{};
    if (peer) to = remote::peer_name{std::move(*peer)};
    return weft::open_stream(gate_, ctx_,
                             {std::move(to), std::move(method), std::move(raw_params), std::move(options)});
  }
  void notify(std::optional<std::string> peer, std::string method, std::string raw_params) const override {
    auto& home = ctx_.home();
    if (peer) return home.own_calls().notify_peer(*peer, method, raw_params, ctx_);
    if (!home.serves(method)) return home.own_calls().notify_anyone(method, raw_params, ctx_);
    // In this process it is a call whose answer nobody takes, and which ends with nobody.
    weft::handler_context apart(coro::cancel_scope(home.executor()), home, connection_key{}, ctx_.trace());
    home.spawn(perform_unheard(std::move(apart), std::move(method), std::move(raw_params)));
  }
  std::shared_ptr<const caller::handle> caller_handle() const override {
    auto& home = ctx_.home();
    const auto key = ctx_.caller_key();
    return std::make_shared<const connection_handle>(gate_, home.index(), key, home.alive(key));
  }
  std::shared_ptr<const call_surroundings> under(coro::cancel_scope scope) const override {
    return std::make_shared<const node_surroundings>(ctx_.with(std::move(scope)), gate_, raw_after_);
  }
  const std::string& node() const noexcept override { return ctx_.node(); }
  std::string traceparent() const override {
    const auto raw = ctx_.raw_traceparent();
    return raw.size() < 2 ? std::string() : std::string(raw.substr(1, raw.size() - 2));
  }
  std::string raw_after() const override { return raw_after_; }

 private:
  weft::handler_context ctx_;
  std::shared_ptr<loop_gate> gate_;
  std::string raw_after_;
};

}  // namespace

std::shared_ptr<const detail::call_surroundings> surroundings_of(weft::handler_context ctx,
                                                                 std::shared_ptr<loop_gate> gate,
                                                                 std::string raw_after) {
  return std::make_shared<const node_surroundings>(std::move(ctx), std::move(gate), std::move(raw_after));
}

}  // namespace weft
