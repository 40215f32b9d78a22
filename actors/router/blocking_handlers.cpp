#include "actors/router/blocking_handlers.hpp"

#include <utility>

#include <caf/actor_system.hpp>
#include <fmt/format.h>

#include "actors/runtime/one_shot.hpp"
#include "actors/service/current_exception.hpp"

namespace weft {

std::expected<usage_account, rpc_error> blocking_handlers::take_place(const call& c) {
  const auto& limits = site_.options.limits;
  constexpr std::int64_t retry_after_ms = 100;
  const auto share = share_of(limits.blocking_calls, limits.share_percent, 1);
  auto taken =
      usage_account::take(site_.environment.blocking_calls, limits.blocking_calls,
                          c.caller.charged == nullptr ? nullptr : c.caller.charged->blocking_count(), share);
  if (taken) return std::move(*taken);
  site_.metrics().add(metric::limit_blocking);
  return std::unexpected(
      site_.exhausted(taken.error() == usage_account::refusal::share
                          ? fmt::format("{} blocking handlers of {} are under way, its share "
                                        "(limits.share_percent of limits.blocking_calls)",
                                        share, connections_.holder_of(c.caller.key))
                          : "too many blocking handlers are under way (limits.blocking_calls)",
                      executed::no, retry_after_ms));
}

void blocking_handlers::start(call& c, const method& m, nlohmann::json params) {
  auto taken = take_place(c);
  if (!taken) return calls_.settle_failed(c, std::move(taken.error()));
  c.handling.running = call::handler::blocking;
  // Given back by whoever runs the handler: the connection may be gone by then.
  const auto body = [handler = &std::get<blocking_handler>(m.handler), name = m.name, key = c.key,
                     account = std::make_shared<usage_account>(std::move(*taken)), params = std::move(params),
                     home = site_.handle()] {
    auto done = make_actor_message<blocking_done>(key, name);
    try {
      done->outcome = handler->run(params);
    } catch (...) {
      done->exception = current_exception_text();
    }
    account->release();
    home->enqueue(caf::mailbox_element_ptr(done.release()), nullptr);
  };
  site_.environment.system->spawn<one_shot>(body);
}

}  // namespace weft
