// Hedging: a call that takes longer than most gets a second attempt on another instance; the first answer
// counts, and the other attempt is cancelled (Dean and Barroso, The Tail at Scale, CACM 56-2, 2013).
//
// The second attempt is a record of its own that belongs to the first; the caller knows only the first.
#include <algorithm>

#include "actors/methods/method_pattern.hpp"
#include "actors/router/router.hpp"
#include "actors/router/splice.hpp"
#include "proto/message.hpp"

namespace weft {

latency_window* router::latencies_of(const call& c) {
  const auto& rules = options().balance.hedge.rules;
  // What another node sent on is hedged there.
  if (rules.empty() || c.local_only || c.from == call::origin::router) return nullptr;
  const auto* serving = routes_->find(c.method);
  if (serving == nullptr || rule_for(rules, c.method).empty()) return nullptr;
  return &latencies_[serving->pattern];
}

void router::note_latency(const call& c, coro::clock::time_point now) {
  if (auto* window = latencies_of(c)) window->observe(now - c.attempt_started, now);
}

void router::arm_hedge(call& c) {
  if (options().balance.hedge.rules.empty() || c.attempts != 1 || c.from == call::origin::hedge) return;
  auto* window = latencies_of(c);
  const auto* serving = routes_->find(c.method);
  if (window == nullptr || serving->endpoints.size() < 2 ||
      !std::ranges::all_of(serving->endpoints, &endpoint::idempotent)) {
    return;
  }
  const auto now = home().now();
  const auto usual = window->percentile(number_for(options().balance.hedge.rules, c.method), now);
  if (!usual) return;
  const auto due = now + std::max<std::chrono::nanoseconds>(*usual, options().balance.hedge.minimum_delay);
  if (due >= c.deadline) return;
  c.paused = call::pause::hedge;
  home().arm(c, due);
}

void router::start_hedge(call& c) {
  const auto& limits = options().limits;
  const auto* serving = routes_->find(c.method);
  if (serving == nullptr || calls_.size() >= limits.calls_per_reactor ||
      held_bytes_ + c.request.size() > limits.held_request_bytes || c.attempts >= max_attempts) {
    return;
  }
  const auto admission = serving->admission;
  // A second attempt never waits: there is the first.
  if (admission && (admission->full() || waits_for_room(*admission))) return;
  const auto* e = choose(*serving, &c, c.route_key, false);
  const auto tried_to = c.tried.begin() + c.attempts;
  if (e == nullptr || std::find(c.tried.begin(), tried_to, e->link) != tried_to) return;
  if (!budget_.take(home().now())) {
    e->state->release_probe();
    return home().metrics().add(metric::retry_budget_exhausted);
  }
  home().metrics().add(metric::hedges);
  home().metrics().add(metric::outbound_in_flight);
  call& h = calls_.acquire(*this);
  h.from = call::origin::hedge;
  h.origin_call = c.key;
  h.method = c.method;
  h.request = c.request;
  h.held_bytes = h.request.size();
  held_bytes_ += h.held_bytes;
  home().metrics().add(metric::held_request_bytes, static_cast<std::int64_t>(h.held_bytes));
  h.id_in_request = c.id_in_request;
  h.deadline_in_request = c.deadline_in_request;
  h.started = home().now();
  h.deadline = c.deadline;
  c.hedge = h.key;
  c.tried[c.attempts++] = e->link;
  // The first one may have run, whatever is said of the second.
  c.may_have_run = true;
  if (admission) enter(h, admission);
  send_attempt(h, *e);
}

bool router::hedge_goes_on(call& c) {
  return c.hedge != call_key{} && calls_.find(c.hedge) != nullptr;
}

void router::take_back_hedge(call& c) {
  auto* h = calls_.find(std::exchange(c.hedge, {}));
  if (h == nullptr) return;
  cancel_call(*h, coro::cancel_reason::cancelled_by_caller);
  close_call(*h);
}

void router::hedge_answered(call& h, const proto::envelope& response, const rpc_error& error) {
  end_attempt(h, error.code);
  auto* c = calls_.find(h.origin_call);
  close_call(h);
  if (c == nullptr) return;
  c->hedge = {};
  if (is_instance_failure(error.code)) {
    // The first attempt goes on, or has failed as well.
    if (c->to == call::target::none && !retry(*c, error)) conclude(*c, response, error);
    return;
  }
  if (c->to != call::target::none) {
    home().metrics().add(metric::hedges_won);
    cancel_call(*c, coro::cancel_reason::cancelled_by_caller);
    // It has taken so long at least, which the balancer should know.
    end_attempt(*c, 0);
    detach_callee(*c);
  }
  conclude(*c, response, error);
}

void router::hedge_failed(call& h, const rpc_error& error) {
  end_attempt(h, error.code);
  auto* c = calls_.find(h.origin_call);
  close_call(h);
  if (c == nullptr) return;
  c->hedge = {};
  if (c->to == call::target::none && c->paused == call::pause::none && !retry(*c, error)) give_up(*c, error);
}

}  // namespace weft
