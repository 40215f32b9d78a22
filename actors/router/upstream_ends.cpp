// The ends of attempts: what becomes of the call.
#include <utility>

#include <fmt/format.h>

#include "actors/balance/outlier.hpp"
#include "actors/router/upstream.hpp"

namespace weft {
namespace {

attempt& other_of(attempt& a) {
  return a.of->attempts[1U - a.which];
}

bool is_lost(const rpc_error& error) {
  return error.code == static_cast<std::int32_t>(error_code::unavailable);
}

}  // namespace

void upstream::end(attempt& a, std::int32_t code) {
  call& c = *a.of;
  if (c.paused == call::pause::hedge) {
    c.paused = call::pause::none;
    calls_.arm_deadline(c);
  }
  const auto instance = std::exchange(a.instance, nullptr);
  attempts_.detach(a);
  if (instance) verdicts_.note(c, *instance, code, site_.now() - a.started);
}

bool upstream::retry(call& c, const rpc_error& error) {
  // A call to one certain connection has no method to look for, and one that is taken back is not tried
  // again. What another node has sent on is tried again by that one: or each would multiply the attempts of
  // the other.
  if (c.attempts.tried.count() == 0 || c.caller.cancelled || c.asked.local_only) return false;
  const auto* serving = site_.routes->find(c.asked.method);
  if (serving == nullptr || !streams::may_restart(c)) return false;
  const auto wait = retries_.wait_before_next(c, error, *serving);
  if (!wait) return false;
  if (c.stream) [[unlikely]]
    streams_.go_on(c);
  if (wait->count() == 0) {
    dispatch(c, serving);
  } else {
    pause(c, call::pause::retry, site_.now() + *wait);
  }
  return true;
}

void upstream::on_response(attempt& a, const proto::envelope& response) {
  call& c = *a.of;
  if (c.from == call::origin::router) return calls_.settle(c, {.response = &response});
  rpc_error error;
  if (!response.error.empty()) error = proto::parse_error_object(response.error);
  if (c.stream && std::exchange(c.stream->elsewhere.moving, false) && !c.caller.cancelled &&
      !c.caller.left_behind && error.code == static_cast<std::int32_t>(error_code::request_cancelled))
      [[unlikely]]
    return on_moved(a);
  auto& other = other_of(a);
  end(a, error.code);
  if (c.caller.left_behind) return calls_.close_left_behind(c, true);
  if (other.under_way()) {
    if (is_instance_failure(error.code)) return;
    attempts_.cancel(other);
    if (a.which == 1) {
      site_.metrics().add(metric::hedges_won);
      // The first attempt has taken so long at least, which the balancer should know.
      end(other, 0);
    }
  }
  if (error.code != 0 && retry(c, error)) return;
  if (c.attempts.may_have_run && error.ran == executed::no) return calls_.settle_failed(c, std::move(error));
  if (error.code == 0 && c.stream && streams::gathered_for(c)) [[unlikely]]
    return calls_.settle(c, {.raw_result = c.stream->rare().gathered});
  // Where the stream can go on only this node knows.
  if (c.stream && c.stream->seq.told > 0 && is_lost(error)) return calls_.settle_failed(c, std::move(error));
  calls_.settle(c, {.code = error.code, .response = &response, .error = error.code == 0 ? nullptr : &error});
}

void upstream::on_failed(attempt& a, rpc_error error) {
  call& c = *a.of;
  if (c.from == call::origin::router) return calls_.settle(c, outcome::of(error));
  end(a, error.code);
  if (c.caller.left_behind) return calls_.close_left_behind(c, true);
  if (other_of(a).under_way() || retry(c, error)) return;
  calls_.settle_failed(c, std::move(error));
}

void upstream::move_streams() {
  if (site_.metrics().get(metric::streams_open) == 0) return;
  calls_.for_each([&](call& c) {
    if (c.stream && should_move(c)) streams_.move(c);
  });
}

bool upstream::should_move(const call& c) {
  const auto& a = c.attempts[0];
  const auto& s = *c.stream;
  if (!s.elsewhere.allowed || s.elsewhere.moving || c.caller.cancelled || c.caller.left_behind ||
      !streams::may_restart(c))
    return false;
  if (!a.under_way() || !a.instance || c.attempts.tried.full()) return false;
  const auto* serving = site_.routes->find(c.asked.method);
  if (serving == nullptr) return false;
  bool stays = false;
  bool others = false;
  for (const auto& e : serving->endpoints) {
    const bool own = e.state == a.instance;
    stays = stays || (own && !e.leaving);
    others = others || (!own && !e.leaving && !c.attempts.tried.contains(e.connection) &&
                        connections_.takes_calls(e.connection));
  }
  return others && !stays;
}

void upstream::on_moved(attempt& a) {
  call& c = *a.of;
  attempts_.detach(a);
  c.attempts.may_have_run = true;
  streams_.go_on(c);
  dispatch(c, site_.routes->find(c.asked.method));
}

void upstream::on_broken(attempt& a, const rpc_error& error) {
  call& c = *a.of;
  attempts_.detach(a);
  if (c.caller.left_behind) return calls_.close_left_behind(c, true);
  calls_.settle(c, outcome::of(error));
}

void upstream::on_connection_lost(connection_entry& entry, close_reason why) {
  // From here on nothing is sent to it, so that a retry goes elsewhere.
  entry.state.going_away = true;
  const auto written = entry.transport->status().bytes_written;
  const auto message =
      fmt::format("the connection to {} was lost: {}",
                  entry.party.name.empty() ? std::string("the callee") : entry.party.name, to_string(why));
  while (entry.load.attempts_received != nullptr) {
    auto& a = *entry.load.attempts_received;
    // Heartbeats count as written too, which errs towards "unknown".
    on_failed(a, site_.unavailable(message, written > a.queued_before ? executed::unknown : executed::no));
  }
}

void upstream::on_deadline(call& c) {
  constexpr auto code = error_code::deadline_exceeded;
  const bool began = c.attempts.tried.count() > 0 || !c.idle();
  if (c.caller.left_behind) {
    // A callee on this reactor will answer its cancellation, or not: that is its connection's affair.
    for (auto& a : c.attempts) {
      if (a.to == attempt::target::router) attempts_.cancel(a);
    }
    return calls_.close_left_behind(c, false);
  }
  calls_.cancel(c, coro::cancel_reason::deadline_exceeded);
  for (auto& a : c.attempts) {
    if (a.under_way() && a.instance && was_given_time(*a.instance, site_.now() - a.started, site_.now()))
      end(a, static_cast<std::int32_t>(code));
  }
  c.caller.cancelled = false;
  calls_.settle_failed(c, make_mesh_error(code, "the deadline passed before the answer came",
                                          began ? executed::unknown : executed::no, site_.options.id));
}

}  // namespace weft
