#include "actors/router/stream_room.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace weft {
namespace {

constexpr std::size_t least_window = 4096;

}  // namespace

std::int64_t stream_room::share(std::size_t budget, std::size_t count) const {
  const auto part = std::max(budget / std::max<std::size_t>(count, 1), least_window);
  return static_cast<std::int64_t>(std::min(part, site_.options.limits.stream_window_bytes));
}

std::int64_t stream_room::down(const call& c) const {
  const auto* caller = c.from == call::origin::connection ? connections_.find(c.caller.key) : nullptr;
  if (caller == nullptr) return share(site_.options.limits.stream_window_bytes, 1);
  // Calls go over a link to another node both ways, and not while much waits for it.
  const auto& limits = site_.options.limits;
  return share(caller->is_link() ? limits.output_soft_bytes / 2 : limits.output_hard_bytes / 16,
               caller->streams.made);
}

std::int64_t stream_room::up(const call& c) const {
  const auto& a = c.attempts[0];
  const auto* callee = a.to == attempt::target::connection ? connections_.find(a.callee) : nullptr;
  if (callee == nullptr) return share(site_.options.limits.stream_window_bytes, 1);
  // Others' calls are not sent to it while much waits for it.
  return share(site_.options.limits.output_soft_bytes / 2, callee->streams.received);
}

std::optional<rpc_error> stream_room::check(const connection_entry& to, std::size_t bytes, std::size_t most) {
  if (auto refusal = connections_.check_room(to, bytes, executed::unknown)) [[unlikely]]
    return refusal;
  const auto pending = to.output_bytes();
  if (pending + bytes <= most || pending == 0) [[likely]]
    return std::nullopt;
  site_.metrics().add(metric::limit_output_hard);
  return site_.exhausted(fmt::format("{} bytes wait to be sent to {}, which does not read them", pending,
                                     to.party.title().empty() ? "its receiver" : to.party.title()),
                         executed::unknown);
}

void stream_room::stall(connection_entry& to, call& c, bool downwards) {
  if (std::exchange(downwards ? c.stream->stalled.down : c.stream->stalled.up, true)) return;
  if (to.streams.stalled.empty())
    connections_.output(to).tell_below = site_.options.limits.stream_window_bytes / 2;
  to.streams.stalled.push_back({c.key, downwards});
}

}  // namespace weft
