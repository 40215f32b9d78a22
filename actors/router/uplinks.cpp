#include "actors/router/uplinks.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "actors/registry/session_messages.hpp"
#include "actors/router/node_links.hpp"
#include "actors/service/handler_context.hpp"
#include "actors/transport/network.hpp"

namespace weft {

using std::chrono::milliseconds;

/// A coroutine's place among those that wait, for as long as its frame lives.
class uplinks::waiting {
 public:
  explicit waiting(uplinks& among) : among_(among) { among.waiting_.push_back(&up); }
  ~waiting() { std::erase(among_.waiting_, &up); }
  waiting(const waiting&) = delete;
  waiting& operator=(const waiting&) = delete;

  coro::completion<void> up;

 private:
  uplinks& among_;
};

void uplinks::on_adopt(adopt_uplink& message) {
  site_.metrics().add(metric::tcp_opened_outbound);
  auto& entry = connections_.add(std::exchange(message.descriptor, -1), message.address,
                                 connection_entry::role::uplink, site_.handle());
  entry.party.name = format_address(message.address);
  entry.access.who = nullptr;
  entry.watchers.dialler = message.dialler;
  tasks_.spawn(introduce(this, entry.key(), std::move(message.raw_introduction)));
}

coro::task<void> uplinks::introduce(uplinks* self, connection_key key, std::string raw_params) {
  auto& site = self->site_;
  const auto until = site.now() + site.options.mesh.connect_timeout;
  const weft::handler_context ctx(coro::cancel_scope(site.home, until), site.self, key, nullptr);
  const auto params = nlohmann::json::parse(raw_params);
  const auto answer = co_await ctx.caller().call("connect", params);
  auto* entry = self->connections_.find(key);
  if (entry != nullptr && !entry->state.finishing) self->on_introduced(*entry, answer);
}

void uplinks::on_introduced(connection_entry& entry, const json_result& answer) {
  entry.state.registering = false;
  if (!answer) return give_up(entry, answer.error().message, answer.error().code);
  if (!answer->is_object() || !answer->contains("node") || !answer->at("node").is_string()) {
    return give_up(entry, "what answers there is no weft node: its answer to connect names none",
                   static_cast<std::int32_t>(error_code::internal_error));
  }
  const auto node = answer->at("node").get<std::string>();
  entry.state.introduced = true;
  entry.party.name = node;
  const auto limits = answer->value("limits", nlohmann::json::object());
  if (limits.is_object() && limits.contains("frame_bytes") && limits["frame_bytes"].is_number_unsigned())
    entry.party.accepts = limits["frame_bytes"].get<std::size_t>();
  connections_.output(entry).heartbeat =
      heartbeat_of(*answer).value_or(site_.options.protocol.heartbeat_interval);
  site_.uplink = entry.key();
  for (auto* waiter : waiting_) waiter->set();
  site_.flush_outside_turn();
  if (entry.watchers.dialler)
    site_.send(entry.watchers.dialler, make_actor_message<link_changed>(true, entry.key(), node));
}

void uplinks::give_up(connection_entry& entry, std::string why, std::int32_t code) {
  if (const auto dialler = std::exchange(entry.watchers.dialler, nullptr)) {
    auto down = make_actor_message<link_changed>(false, entry.key(), std::move(why));
    down->code = code;
    site_.send(dialler, std::move(down));
  }
  connections_.finish(entry);
  site_.flush_outside_turn();
}

void uplinks::on_goaway(connection_entry& entry) {
  if (std::exchange(entry.state.going_away, true)) return;
  on_gone(entry);
  if (entry.watchers.dialler) {
    auto leaving = make_actor_message<link_changed>(false, entry.key(), "the node drains");
    leaving->leaving = true;
    site_.send(std::exchange(entry.watchers.dialler, nullptr), std::move(leaving));
  }
  // Requests for what this process serves may still be on their way: then it is the node that closes.
  if (!site_.environment.uplink_serves)
    tasks_.spawn(
        close_when_idle(&site_, &connections_, entry.key(), site_.now() + site_.options.drain_timeout));
}

void uplinks::on_gone(const connection_entry& entry) {
  if (site_.uplink == entry.key()) site_.uplink.reset();
}

coro::task<void> uplinks::wait(uplinks* self, coro::cancel_scope at_most) {
  if (self->site_.uplink) co_return;
  waiting here(*self);
  (void)co_await here.up.wait(at_most);
}

}  // namespace weft
