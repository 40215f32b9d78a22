// What ends a stream before its callee does, and what goes on at another instance.
#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "actors/router/streams.hpp"

namespace weft {

void streams::on_half_closed(connection_entry& caller) {
  // Whoever is gone altogether answers that with a reset.
  connections_.send_frame(caller, R"({"jsonrpc":"2.0","method":"heartbeat"})", true);
  for (auto* c = caller.load.calls_made; c != nullptr;) {
    auto* next = c->caller.place.next;
    // Nothing can be sent into it any more.
    if (c->stream && !c->caller.left_behind && !c->stream->input.ended) on_end(*c);
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
  failures_.end(
      c, site_.exhausted("the caller has closed its side of the connection, so that it grants no more items",
                         executed::unknown));
}

void streams::go_on(call& c) {
  constexpr std::size_t most_told = 32;
  auto& s = *c.stream;
  if (s.seq.told > 0) {
    site_.metrics().add(metric::streams_resumed);
    if (c.told.trace.recording && s.rare().resumptions.size() < most_told)
      s.rare().resumptions.push_back({std::chrono::system_clock::now(), s.seq.told});
  }
  grants_.restart(c);
}

void streams::move(call& c) {
  c.stream->elsewhere.moving = true;
  attempts_.cancel(c.attempts[0], true);
}

void streams::end_all() {
  calls_.for_each([&](call& c) {
    if (!c.stream || c.from != call::origin::connection || c.caller.left_behind) return;
    auto error = site_.unavailable(
        "the node ends and does not wait for the stream any longer (drain_timeout)", executed::unknown);
    c.stream->tell_cursor(error);
    failures_.end(c, error);
  });
}

void streams::on_drained(connection_entry& entry) {
  for (const auto& [key, downwards] : std::exchange(entry.streams.stalled, {})) {
    auto* c = calls_.find(key);
    if (c == nullptr || !c->stream) continue;
    (downwards ? c->stream->stalled.down : c->stream->stalled.up) = false;
    if (!c->caller.left_behind) grants_.drained(*c, downwards);
  }
}

}  // namespace weft
