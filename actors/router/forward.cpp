// Calls to instances: choosing one, sending the request on as the bytes it came as, judging the answer,
// trying again.
#include <algorithm>

#include <fmt/format.h>

#include "actors/router/router.hpp"
#include "actors/router/splice.hpp"
#include "proto/message.hpp"

namespace weft {
namespace {

using std::chrono::milliseconds;

bool provably_not_executed(const rpc_error& error) {
  const bool of_the_mesh = error.code == static_cast<std::int32_t>(error_code::unavailable) ||
                           error.code == static_cast<std::int32_t>(error_code::resource_exhausted);
  if (!of_the_mesh) return false;
  const auto data = nlohmann::json::parse(error.data, nullptr, false);
  return data.is_object() && data.value("executed", nlohmann::json()) == "no";
}

bool is_full(const endpoint& e) {
  return e.max_in_flight != 0 && e.state->in_flight() >= e.max_in_flight;
}

}  // namespace

bool is_instance_failure(std::int32_t code) {
  constexpr std::int32_t server_errors_from = -32099;
  constexpr std::int32_t server_errors_to = -32000;
  switch (static_cast<error_code>(code)) {
    case error_code::internal_error:
    case error_code::deadline_exceeded:
    case error_code::resource_exhausted:
    case error_code::unavailable:
      return true;
    default:
      return code >= server_errors_from && code <= server_errors_to;
  }
}

void router::forward(link_entry& entry, const proto::envelope& message, std::string_view name,
                     const answer_target& target, const route* serving, coro::clock::time_point received,
                     coro::clock::duration deadline) {
  home().metrics().add(metric::forwarded);
  // What another node sent on has made its one hop.
  const bool local_only = entry.as != link_entry::role::client;
  if (!target.wanted) {
    if (serving != nullptr) forward_notification(message, *serving, local_only);
    return;
  }
  auto& stats = serving == nullptr ? stats_.server_other() : stats_of(*serving);
  auto* c = open_call(entry, target, stats, received, deadline);
  if (c == nullptr) return;
  c->method = name;
  c->id_in_request = span_in(message.text, message.id);
  c->deadline_in_request = span_in(message.text, message.deadline_ms);
  c->route_key = message.route_key;
  c->local_only = local_only;
  c->request = message.text;
  if (recorder_) continue_trace(*c, message);
  if (!hold(*c)) return;
  if (!local_only) budget_.on_call();
  dispatch(*c);
}

void router::forward_notification(const proto::envelope& message, const route& serving, bool local_only) {
  const auto* e = choose(serving, nullptr, message.route_key, local_only);
  if (e == nullptr) return;
  // No answer will tell how it went.
  e->state->release_probe();
  const auto text = recorder_ ? continue_notification(message, serving) : message.text;
  if (e->link.shard != home().index()) {
    // With the calls, so that neither overtakes the other.
    auto& item = remote_output(e->link.shard).add(remote_item::type::notification, home().index(), {});
    item.callee = e->link.key;
    item.text = text;
  } else {
    notify(e->link.key, text);
  }
}

void router::notify(connection_key key, std::string_view text) {
  auto* callee = callable(key);
  if (callee == nullptr || check_room(*callee, proto::frame_header_bytes + text.size(), executed::no)) return;
  send_frame(*callee, text, false);
}

void router::dispatch(call& c) {
  const auto* serving = routes_->find(c.method);
  if (serving == nullptr && c.attempts == 0) return dispatch_unknown(c);
  if (serving != nullptr && serving->admission) return dispatch_limited(c, *serving);
  const auto* e = serving == nullptr ? nullptr : choose(*serving, &c, c.route_key, c.local_only);
  if (e == nullptr) return no_instance(c);
  send_attempt(c, *e);
}

void router::dispatch_limited(call& c, const route& serving) {
  const auto admission = serving.admission;
  const endpoint* e = nullptr;
  // Whoever waits already goes first.
  if (!admission->full() && !waits_for_room(*admission)) e = choose(serving, &c, c.route_key, c.local_only);
  if (e != nullptr) {
    enter(c, admission);
    return send_attempt(c, *e);
  }
  if (!any_usable(serving, c.local_only)) return no_instance(c);
  wait_for_room(c, admission);
}

void router::no_instance(call& c) {
  home().metrics().add(metric::no_instance);
  // An earlier attempt may have run, whatever becomes of this one.
  const auto ran = c.may_have_run ? executed::unknown : executed::no;
  give_up(c, unavailable(fmt::format("no instance of '{}' can be reached from here", c.method), ran));
}

void router::dispatch_unknown(call& c) {
  // A node that has just started learns its peers' methods within milliseconds: the call waits for that.
  constexpr auto patience = std::chrono::seconds(1);
  constexpr auto look_again = milliseconds(5);
  const auto now = home().now();
  if (routes_->settled || now - c.started >= patience || now + look_again >= c.deadline) {
    return give_up(c,
                   make_error(error_code::method_not_found, fmt::format("method '{}' not found", c.method)));
  }
  c.paused = call::pause::retry;
  home().arm(c, now + look_again);
}

bool router::usable(const endpoint& e) {
  return e.link.shard != home().index() || callable(e.link.key) != nullptr;
}

bool router::any_usable(const route& serving, bool local_only) {
  return std::ranges::any_of(serving.endpoints,
                             [&](const endpoint& e) { return (e.local || !local_only) && usable(e); });
}

const endpoint* router::choose(const route& serving, const call* c, std::string_view route_key,
                               bool local_only) {
  using health = endpoint_state::health;
  const auto now = home().now();
  const auto tried = [&](const endpoint& e) {
    if (c == nullptr) return false;
    const auto end = c->tried.begin() + c->attempts;
    return std::find(c->tried.begin(), end, e.link) != end;
  };
  std::size_t reachable = 0;
  std::size_t healthy = 0;
  candidates_.clear();
  for (const auto& e : serving.endpoints) {
    if ((local_only && !e.local) || !usable(e)) continue;
    ++reachable;
    const auto state = e.state->state(now);
    if (state == health::healthy) ++healthy;
    if (e.leaving || tried(e) || is_full(e)) continue;
    if (state == health::probation && e.state->take_probe()) return &e;
    if (state == health::healthy) candidates_.push_back(&e);
  }
  const bool panic = healthy * 100 < reachable * options().balance.ejection.panic_percent;
  if (candidates_.empty() || panic) {
    // Better one whose node drains, an ejected one, or the same one again, than none.
    enum { staying, leaving_well, untried, again, nobody };
    const auto rank = [&](const endpoint& e) {
      if (tried(e)) return again;
      if (panic) return e.leaving ? untried : staying;
      return e.leaving && e.state->state(now) == health::healthy ? leaving_well : untried;
    };
    auto best = nobody;
    for (const auto& e : serving.endpoints) {
      if ((local_only && !e.local) || !usable(e) || is_full(e)) continue;
      const auto this_one = rank(e);
      if (this_one < best) candidates_.clear();
      best = std::min(best, this_one);
      if (this_one == best) candidates_.push_back(&e);
    }
    if (best == nobody) return nullptr;
  }
  choice_context context{now, random_, choices_++, route_key};
  return chooser(serving.policy)(candidates_, context);
}

void router::send_attempt(call& c, const endpoint& e) {
  const auto now = home().now();
  c.tried[c.attempts++] = e.link;
  c.instance = e.state;
  c.instance->begin();
  c.attempt_started = now;
  const auto left = std::max<std::int64_t>(1, std::chrono::ceil<milliseconds>(c.deadline - now).count());
  if (e.link.shard == home().index()) {
    if (auto* callee = callable(e.link.key)) {
      // The id and the deadline that it gets have their allowance on links; a service's own limit has none.
      constexpr std::size_t most_added = 64;
      const auto added = is_link(*callee) ? most_added : 0;
      if (auto refusal =
              check_room(*callee, proto::frame_header_bytes + c.request.size() + added, executed::no)) {
        return fail(c, std::move(*refusal));
      }
      link_to_callee(c, *callee);
      auto& out = output(*callee).bulk;
      const auto start = proto::begin_frame(out);
      append_request_for(out, c.request, c.id_in_request, c.key.number(), c.deadline_in_request, left);
      proto::end_frame(out, start);
      return arm_hedge(c);
    }
    return fail(c, unavailable("the connection to the instance is gone", executed::no));
  }
  c.to = call::target::router;
  c.target_shard = e.link.shard;
  auto& item = remote_output(e.link.shard).add(remote_item::type::call, home().index(), c.key);
  item.callee = e.link.key;
  append_request_for(item.text, c.request, c.id_in_request, 0, c.deadline_in_request, left);
  // The placeholder moved when the deadline before it changed its length: look where it is now.
  proto::envelope moved;
  proto::scan(item.text, {options().limits.depth, 1, false}, moved, shared_.scan_batch);
  const auto id = span_in(item.text, moved.id);
  item.id_at = id.at;
  item.id_size = id.size;
  arm_hedge(c);
}

void router::end_attempt(call& c, std::int32_t code) {
  leave(c);
  if (c.paused == call::pause::hedge) {
    c.paused = call::pause::none;
    rearm_deadline(c);
  }
  const auto instance = std::exchange(c.instance, nullptr);
  if (!instance) return;
  const auto now = home().now();
  const bool ok = !is_instance_failure(code);
  instance->end(ok, now - c.attempt_started, now);
  if (ok) {
    note_latency(c, now);
    if (instance->state(now) == endpoint_state::health::probation) instance->readmit();
    return;
  }
  if (instance->state(now) == endpoint_state::health::probation) {
    home().metrics().add(metric::ejections);
    return instance->eject(options().balance.ejection, now, ejection_jitter());
  }
  if (const auto* serving = routes_->find(c.method)) judge(*serving, *instance);
}

double router::ejection_jitter() {
  std::uniform_real_distribution<double> jitter(0.8, 1.2);
  return jitter(random_);
}

void router::judge(const route& serving, endpoint_state& instance) {
  const auto now = home().now();
  const auto& ejection = options().balance.ejection;
  if (instance.state(now) != endpoint_state::health::healthy || !instance.deserves_ejection(ejection)) return;
  // Never the last one that is well: in a mesh of two or three a share of the instances rounds to none or to
  // all.
  const bool another = std::ranges::any_of(serving.endpoints, [&](const endpoint& e) {
    return e.state.get() != &instance && !e.leaving &&
           e.state->state(now) == endpoint_state::health::healthy && usable(e);
  });
  if (!another) return;
  instance.eject(ejection, now, ejection_jitter());
  home().metrics().add(metric::ejections);
}

bool router::retry(call& c, const rpc_error& error) {
  const auto& policy = options().balance.retry;
  if (c.request.empty() || c.cancelled ||
      c.attempts >= std::min<std::size_t>(policy.attempts, max_attempts)) {
    return false;
  }
  const auto* serving = routes_->find(c.method);
  if (serving == nullptr) return false;
  const bool lost = error.code == static_cast<std::int32_t>(error_code::unavailable);
  const bool idempotent =
      !serving->endpoints.empty() && std::ranges::all_of(serving->endpoints, &endpoint::idempotent);
  const bool unexecuted = provably_not_executed(error);
  if (!unexecuted && !(lost && idempotent)) return false;
  c.may_have_run = c.may_have_run || !unexecuted;
  const auto now = home().now();
  if (!budget_.take(now)) {
    home().metrics().add(metric::retry_budget_exhausted);
    return false;
  }
  // Another instance can be tried at once; the same one needs time to recover.
  const bool elsewhere = serving->endpoints.size() > c.attempts;
  const auto wait = elsewhere ? milliseconds(0) : retry_wait(c.attempts);
  if (now + wait >= c.deadline) return false;
  home().metrics().add(metric::retries);
  detach_callee(c);
  if (wait.count() == 0) {
    dispatch(c);
    return true;
  }
  c.paused = call::pause::retry;
  home().arm(c, now + wait);
  return true;
}

milliseconds router::retry_wait(std::uint8_t attempts) {
  const auto& policy = options().balance.retry;
  const auto grown = policy.backoff_initial * (1 << std::min<std::uint8_t>(attempts, 16));
  std::uniform_real_distribution<double> jitter(0.8, 1.2);
  const auto capped = static_cast<double>(std::min(grown, policy.backoff_max).count());
  return milliseconds(std::max<std::int64_t>(1, static_cast<std::int64_t>(capped * jitter(random_))));
}

void router::deliver(call& c, const proto::envelope& response) {
  if (c.from == call::origin::router) {
    auto& item = remote_output(c.origin_shard).add(remote_item::type::answer, c.origin_shard, c.origin_call);
    item.text = response.text;
    return close_call(c);
  }
  rpc_error error;
  if (!response.error.empty()) error = proto::parse_error_object(response.error);
  if (c.from == call::origin::hedge) return hedge_answered(c, response, error);
  if (c.left_behind) return close_left_behind(c, error.code);
  end_attempt(c, error.code);
  if (is_instance_failure(error.code) && hedge_goes_on(c)) return detach_callee(c);
  if (error.code != 0 && retry(c, error)) return;
  conclude(c, response, error);
}

void router::conclude(call& c, const proto::envelope& response, rpc_error error) {
  if (c.from == call::origin::coroutine) {
    observe(c, error.code);
    if (response.error.empty())
      c.waiter->set(raw_result(std::string(response.result)));
    else
      c.waiter->set(std::unexpected(std::move(error)));
    return close_call(c);
  }
  if (c.cancelled && !response.error.empty()) return answer_error(c, error);
  if (c.may_have_run && error.code != 0) return give_up(c, error);
  if (response.old_form) {
    return response.error.empty() ? answer_result(c, response.result) : answer_error(c, error);
  }
  answer_raw(c, error.code, response.text, span_in(response.text, response.id));
}

void router::fail(call& c, rpc_error error) {
  if (c.from == call::origin::router) {
    auto& item = remote_output(c.origin_shard).add(remote_item::type::answer, c.origin_shard, c.origin_call);
    item.failure = std::move(error);
    return close_call(c);
  }
  if (c.from == call::origin::hedge) return hedge_failed(c, error);
  if (c.left_behind) return close_left_behind(c, error.code);
  end_attempt(c, error.code);
  detach_callee(c);
  if (hedge_goes_on(c)) return;
  if (!retry(c, error)) give_up(c, error);
}

void router::give_up(call& c, const rpc_error& error) {
  if (c.may_have_run && provably_not_executed(error)) {
    // True of the last attempt only.
    c.may_have_run = false;
    return give_up(c, make_mesh_error(static_cast<error_code>(error.code), error.message, executed::unknown,
                                      options().id));
  }
  if (c.from == call::origin::connection) return answer_error(c, error);
  if (c.from == call::origin::router || c.from == call::origin::hedge) return fail(c, error);
  observe(c, error.code);
  c.waiter->set(std::unexpected(error));
  close_call(c);
}

void router::observe(call& c, std::int32_t code) {
  if (c.stats != nullptr) c.stats->observe(code, coro::clock::now() - c.started);
  record_call(c, code);
}

}  // namespace weft
