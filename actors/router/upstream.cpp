#include "actors/router/upstream.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace weft {

upstream::upstream(router_site& site, connections& entries, records& told, permits& limited, attempts& tries,
                   calls& book, streams& flows)
    : site_(site),
      connections_(entries),
      records_(told),
      permits_(limited),
      attempts_(tries),
      calls_(book),
      streams_(flows),
      picker_(site.options.balance.ejection.panic_percent),
      hedging_(site.options.balance.hedge) {}

void upstream::forward(request& r, const route* serving) {
  site_.metrics().add(metric::forwarded);
  // What another node sent on has made its one hop.
  const bool local_only = r.from.is_link();
  if (!r.target.wanted) {
    if (serving != nullptr) notify_instance(r, *serving, local_only);
    return;
  }
  auto& stats = serving == nullptr ? records_.stats().server_other() : records_.stats_of(*serving);
  auto* c = calls_.open(r, stats);
  if (c == nullptr) return;
  const auto& message = r.message;
  c->asked.method.append(r.name);
  c->asked.spans = {span_in(message.text, message.id), span_in(message.text, message.deadline_ms)};
  c->asked.route_key.append(message.route_key);
  c->asked.local_only = local_only;
  c->asked.text.append(message.text);
  records_.pass_on(*c, r);
  if (!calls_.hold(*c, c->asked.text.size())) return;
  if (!local_only) retries_.on_call();
  if (serving != nullptr && serving->streams) [[unlikely]] {
    streams_.open(*c, message, serving->resumable);
    streams_.grants().restart(*c);
  }
  dispatch(*c, serving);
}

void upstream::begin(call& c) {
  if (!calls_.hold(c, c.asked.text.size())) return;
  retries_.on_call();
  dispatch(c, site_.routes->find(c.asked.method));
}

void upstream::notify_instance(request& r, const route& serving, bool local_only) {
  if (const auto* e = pick_unheard(serving, r.message.route_key, local_only))
    attempts_.notify(e->connection, records_.pass_on(r, serving));
}

void upstream::notify_instance(std::string_view text, const route& serving, std::string_view raw_route_key) {
  if (const auto* e = pick_unheard(serving, raw_route_key, false)) attempts_.notify(e->connection, text);
}

const endpoint* upstream::pick_unheard(const route& serving, std::string_view raw_route_key,
                                       bool local_only) {
  const auto usable = [&](const endpoint& e) { return connections_.takes_calls(e.connection); };
  const auto* e = picker_.pick(serving.endpoints, *serving.policy,
                               {site_.now(), nullptr, raw_route_key, local_only}, usable);
  // No answer will tell how it went.
  if (e != nullptr) e->state->release_probe();
  return e;
}

const endpoint* upstream::pick(const route& serving, const call& c) {
  return picker_.pick(serving.endpoints, *serving.policy,
                      {site_.now(), &c.attempts.tried, c.asked.route_key, c.asked.local_only},
                      [&](const endpoint& e) { return connections_.takes_calls(e.connection); });
}

bool upstream::any_usable(const route& serving, bool local_only) {
  return std::ranges::any_of(serving.endpoints, [&](const endpoint& e) {
    return (e.local || !local_only) && connections_.takes_calls(e.connection);
  });
}

void upstream::dispatch(call& c, const route* serving) {
  if (serving == nullptr) return c.attempts.tried.count() == 0 ? dispatch_unknown(c) : no_instance(c);
  const auto& limit = serving->admission;
  const bool permitted = !limit || permits_.has(limit);
  const auto* e = permitted ? pick(*serving, c) : nullptr;
  if (e != nullptr) {
    auto& a = c.attempts[0];
    if (limit) permits::enter(a, limit);
    return send(c, a, *e, *serving);
  }
  if (!limit || !any_usable(*serving, c.asked.local_only)) return no_instance(c);
  calls_.wait(c, limit);
}

bool upstream::resume(call& c) {
  const auto* serving = site_.routes->find(c.asked.method);
  if (c.paused == call::pause::queue) {
    const auto limit = c.waits_for;
    const auto* e = serving == nullptr ? nullptr : pick(*serving, c);
    if (e == nullptr && serving != nullptr && any_usable(*serving, c.asked.local_only)) return false;
    permits_.stop_waiting(c);
    calls_.arm_deadline(c);
    if (e != nullptr) {
      permits::enter(c.attempts[0], limit);
      send(c, c.attempts[0], *e, *serving);
      return true;
    }
    // Its instances went away while it waited: that is said below.
  } else {
    c.paused = call::pause::none;
    calls_.arm_deadline(c);
  }
  dispatch(c, serving);
  return true;
}

void upstream::no_instance(call& c) {
  site_.metrics().add(metric::no_instance);
  calls_.settle_failed(
      c, site_.unavailable(fmt::format("no instance of '{}' can be reached from here", c.asked.method),
                           executed::no));
}

void upstream::dispatch_unknown(call& c) {
  // A node that has just started learns its peers' methods within milliseconds: the call waits for that.
  constexpr auto timeout = std::chrono::seconds(1);
  constexpr auto look_again = std::chrono::milliseconds(5);
  const auto now = site_.now();
  if (site_.routes->settled || now - c.told.started >= timeout || now + look_again >= c.asked.deadline) {
    return calls_.settle_failed(
        c, make_error(error_code::method_not_found, fmt::format("method '{}' not found", c.asked.method)));
  }
  pause(c, call::pause::retry, now + look_again);
}

void upstream::pause(call& c, call::pause why, coro::clock::time_point until) {
  c.paused = why;
  site_.home.arm(c, until);
}

void upstream::send(call& c, attempt& a, const endpoint& e, const route& serving) {
  c.attempts.tried.add(e.connection);
  a.instance = e.state;
  a.instance->begin();
  a.started = site_.now();
  if (c.stream) c.stream->plain_callee = !e.streams;
  if (auto failed = attempts_.send(a, e)) return on_failed(a, std::move(*failed));
  if (c.stream) [[unlikely]]
    streams_.on_sent(c);
  arm_hedge(c, serving);
}

void upstream::arm_hedge(call& c, const route& serving) {
  if (!hedging_.enabled() || c.attempts.tried.count() != 1 || c.asked.local_only ||
      c.from == call::origin::router || c.stream)
    return;
  if (serving.endpoints.size() < 2 || !hedging_.covers(c.asked.method) || !is_idempotent(serving)) return;
  const auto now = site_.now();
  const auto delay = hedging_.delay(c.asked.method, serving.pattern, now);
  if (delay && now + *delay < c.asked.deadline) pause(c, call::pause::hedge, now + *delay);
}

void upstream::start_hedge(call& c) {
  c.paused = call::pause::none;
  calls_.arm_deadline(c);
  const auto* serving = site_.routes->find(c.asked.method);
  if (serving == nullptr || c.attempts.tried.full() || !c.attempts[0].under_way()) return;
  const auto& limit = serving->admission;
  // A second attempt never waits: there is the first.
  if (limit && !permits_.has(limit)) return;
  const auto* e = pick(*serving, c);
  if (e == nullptr || c.attempts.tried.contains(e->connection)) return;
  if (!retries_.take_budget()) return e->state->release_probe();
  site_.metrics().add(metric::hedges);
  // The first one may have run, whatever is said of the second.
  c.attempts.may_have_run = true;
  if (limit) permits::enter(c.attempts[1], limit);
  send(c, c.attempts[1], *e, *serving);
}

void upstream::send_direct(call& c, const connection_address& to) {
  auto& a = c.attempts[0];
  if (auto failed = attempts_.send_direct(a, to)) on_failed(a, std::move(*failed));
}

void upstream::send_to_here(call& c, connection_key to, std::string_view text, text_span id) {
  auto& a = c.attempts[0];
  if (auto failed = attempts_.send_to_here(a, to, text, id)) on_failed(a, std::move(*failed));
}

}  // namespace weft
