// What waits for a connection, and what ends a stream before its callee does.
#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "actors/router/streams.hpp"

namespace weft {

void streams::on_half_closed(link_entry& caller) {
  // Whoever is gone altogether answers that with a reset.
  links_.send_frame(caller, R"({"jsonrpc":"2.0","method":"heartbeat"})", true);
  for (auto* c = caller.load.calls_made; c != nullptr;) {
    auto* next = c->caller.place.next;
    if (c->stream && !c->caller.left_behind) doubt_caller(*c);
    c = next;
  }
}

bool streams::doubt_caller(call& c) {
  constexpr auto grace = std::chrono::milliseconds(250);
  if (c.stream->gathers || c.stream->down.items() > 0) return true;
  if (c.paused != call::pause::none) return end_ungranted(c), false;
  c.paused = call::pause::half_closed;
  site_.home.arm(c, std::min(c.asked.deadline, site_.now() + grace));
  return true;
}

void streams::end_ungranted(call& c) {
  fail(c, site_.exhausted("the caller has closed its side of the connection, so that it grants no more items",
                          executed::unknown));
}

void streams::go_on(call& c) {
  constexpr std::size_t most_told = 32;
  auto& s = *c.stream;
  if (s.next_seq > 0) {
    site_.metrics().add(metric::streams_resumed);
    if (c.told.trace.recording && s.rare().resumptions.size() < most_told)
      s.rare().resumptions.push_back({std::chrono::system_clock::now(), s.next_seq});
  }
  restart(c);
}

void streams::move(call& c) {
  c.stream->moving = true;
  attempts_.cancel(c.attempts[0], true);
}

void streams::end_all() {
  calls_.for_each([&](call& c) {
    if (!c.stream || c.from != call::origin::connection || c.caller.left_behind) return;
    auto error = site_.unavailable(
        "the node ends and does not wait for the stream any longer (drain_timeout)", executed::unknown);
    c.stream->tell_cursor(error);
    fail(c, error);
  });
}

std::optional<rpc_error> streams::check_room(const link_entry& entry, std::size_t bytes, std::size_t most) {
  if (auto refusal = links_.check_room(entry, bytes, executed::unknown)) [[unlikely]]
    return refusal;
  const auto pending = entry.output_bytes();
  if (pending + bytes <= most || pending == 0) [[likely]]
    return std::nullopt;
  site_.metrics().add(metric::limit_output_hard);
  return site_.exhausted(fmt::format("{} bytes wait to be sent to {}, which does not read them", pending,
                                     entry.party.title().empty() ? "its receiver" : entry.party.title()),
                         executed::unknown);
}

void streams::stall(link_entry& entry, call& c, bool downwards) {
  if (std::exchange(downwards ? c.stream->stalled_down : c.stream->stalled_up, true)) return;
  if (entry.streams.stalled.empty())
    links_.output(entry).tell_below = site_.options.limits.stream_window_bytes / 2;
  entry.streams.stalled.push_back({c.key, downwards});
}

void streams::on_drained(link_entry& entry) {
  for (const auto& [key, downwards] : std::exchange(entry.streams.stalled, {})) {
    auto* c = calls_.find(key);
    if (c == nullptr || !c->stream) continue;
    (downwards ? c->stream->stalled_down : c->stream->stalled_up) = false;
    if (!c->caller.left_behind) drained(*c, downwards);
  }
}

void streams::drained(call& c, bool downwards) {
  auto& s = *c.stream;
  if (!downwards) {
    s.up.drained();
    return accept_more(c);
  }
  site_.metrics().add(metric::stream_waiting_bytes, -s.down.waiting_bytes());
  s.down.drained();
  tell_credit(c);
}

void streams::fail(call& c, const rpc_error& error) {
  calls_.cancel(c, coro::cancel_reason::cancelled_by_caller);
  c.caller.cancelled = false;
  auto end = outcome::of(error);
  end.blameless = true;
  calls_.settle(c, end);
}

void streams::fail_over_credit(call& c, std::string_view who) {
  site_.metrics().add(metric::limit_stream_credit);
  fail(c, site_.exhausted(fmt::format("{} has sent more on this stream than it was granted", who),
                          executed::unknown));
}

void streams::fail_repeated(call& c, std::string_view message, const members& m) {
  fail_invalid(c, fmt::format("{} has the member '{}' twice", message, m.repeated));
}

void streams::fail_invalid(call& c, std::string_view what) {
  fail(c, make_mesh_error(error_code::internal_error, fmt::format("the stream is broken: {}", what),
                          executed::unknown, site_.options.id));
}

}  // namespace weft
