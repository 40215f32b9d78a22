#include "weft/call_context.hpp"

#include <algorithm>
#include <utility>

#include "actors/api/surroundings.hpp"

namespace weft {

task<std::expected<std::string, error>> callee::call_raw(std::string method, std::string raw_params,
                                                         call_options options) const {
  auto peer = whom_ == kind::peer ? std::optional(peer_) : std::nullopt;
  return by_->call(std::move(peer), std::move(method), std::move(raw_params), std::move(options));
}

std::shared_ptr<detail::stream_buffer> callee::open_stream(std::string method, std::string raw_params,
                                                           read_options options) const {
  auto peer = whom_ == kind::peer ? std::optional(peer_) : std::nullopt;
  return by_->open_stream(std::move(peer), std::move(method), std::move(raw_params), std::move(options));
}

void callee::notify_raw(std::string method, std::string raw_params) const {
  auto peer = whom_ == kind::peer ? std::optional(peer_) : std::nullopt;
  by_->notify(std::move(peer), std::move(method), std::move(raw_params));
}

bool caller::connected() const noexcept {
  return to_->connected();
}

void caller::notify_raw(std::string method, std::string raw_params) const {
  if (to_->connected()) to_->notify(std::move(method), std::move(raw_params));
}

std::shared_ptr<detail::pending_state> caller::start_raw(std::string method, std::string raw_params,
                                                         call_options options) const {
  return to_->start(std::move(method), std::move(raw_params), std::move(options));
}

std::shared_ptr<detail::stream_buffer> caller::open_stream(std::string method, std::string raw_params,
                                                           read_options options) const {
  return to_->open_stream(std::move(method), std::move(raw_params), std::move(options));
}

bool caller::same_as(const caller& other) const noexcept {
  return to_->same_as(*other.to_);
}

callee call_context::mesh() const {
  return {of_, callee::kind::mesh, {}};
}

callee call_context::peer(std::string name) const {
  return {of_, callee::kind::peer, std::move(name)};
}

class caller call_context::caller() const {
  return weft::caller(of_->caller_handle());
}

call_context call_context::within(std::chrono::milliseconds time) const {
  const auto scope = of_->scope();
  return call_context(of_->under(scope.child(scope.get_executor().now() + time)));
}

coro::clock::time_point call_context::deadline() const noexcept {
  return of_->scope().deadline();
}

std::chrono::milliseconds call_context::time_left() const noexcept {
  const auto scope = of_->scope();
  const auto left = scope.deadline() - scope.get_executor().now();
  return std::max(std::chrono::milliseconds(0), std::chrono::duration_cast<std::chrono::milliseconds>(left));
}

bool call_context::cancelled() const noexcept {
  return of_->scope().cancelled();
}

const std::string& call_context::node() const noexcept {
  return of_->node();
}

std::string call_context::traceparent() const {
  return of_->traceparent();
}

std::string call_context::raw_after() const {
  return of_->raw_after();
}

call_context::operator coro::cancel_scope() const {
  return of_->scope();
}

}  // namespace weft
