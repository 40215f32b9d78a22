// What tests of parts need that have calls under way: instances that serve a method, whatever was sent to a
// connection, and whatever was sent to the router of another reactor.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <caf/monitorable_actor.hpp>

#include "tests/actors/router/parts_case.hpp"

namespace weft {

/// The router of another reactor, as far as others see it: keeps what it is sent.
class other_router final : public caf::monitorable_actor {
 public:
  explicit other_router(caf::actor_config& config) : caf::monitorable_actor(config) {}
  const char* name() const override { return "other_router"; }
  using caf::abstract_actor::enqueue;
  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit*) override {
    received.push_back(std::move(element));
  }

  std::vector<caf::mailbox_element_ptr> received;
};

class calls_case : public parts_case {
 protected:
  using json = nlohmann::json;

  calls_case() {
    caf::actor_config about_actor;
    other = caf::make_actor<other_router, caf::strong_actor_ptr>(system.next_actor_id(), system.node(),
                                                                 &system, about_actor);
    all_routers = {other, other};
    site.environment.routers = &all_routers;
    site.environment.reactors = all_routers.size();
    table->settled = true;
    site.routes = table;
  }

  // -- who serves what
  static endpoint instance_at(const connection_address& connection) {
    endpoint e;
    e.connection = connection;
    e.node = "here";
    e.service = "users";
    e.state = std::make_shared<endpoint_state>();
    return e;
  }
  static endpoint instance_of(const connection_entry& service) { return instance_at({0, service.key()}); }
  route& serve(const std::string& method, std::vector<endpoint> instances) {
    auto& serving = table->exact[method];
    serving.pattern = method;
    serving.endpoints = std::move(instances);
    return serving;
  }

  // -- calls
  static std::string request_text(const std::string& method, int id = 1, const std::string& more = "") {
    return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" + method + "\"" + more + "}";
  }
  /// To an instance of its method; null when it has ended with that.
  call* forward(connection_entry& caller, const std::string& text) {
    const message m(text);
    auto r = request_from(caller, m);
    work.upstream.forward(r, site.routes->find(r.name));
    return work.book.find(caller.key(), m.envelope.id);
  }
  /// Has a record, and nobody works on it.
  call& book(connection_entry& caller, int id = 1) {
    const message m(request_text("users.get", id));
    auto r = request_from(caller, m);
    auto* c = work.book.open(r, out.records.stats().server("users.get"));
    EXPECT_NE(c, nullptr);
    c->asked.method = "users.get";
    c->asked.text = m.text;
    c->asked.spans.id = span_in(m.text, m.envelope.id);
    return *c;
  }
  /// Of a callee, to the call that it names.
  void respond(connection_entry& callee, const std::string& text) {
    const message m(text);
    auto* a = work.book.named_by(callee, m.envelope.id);
    ASSERT_NE(a, nullptr) << text;
    work.upstream.on_response(*a, m.envelope);
  }
  static std::string result_text(const attempt& a, const std::string& result = "7") {
    return R"({"jsonrpc":"2.0","id":)" + std::to_string(a.of->key_of(a).number()) + R"(,"result":)" + result +
           "}";
  }

  // -- what was sent
  /// To this connection since the last look.
  static std::vector<json> sent_to(connection_entry& entry) {
    std::vector<json> messages;
    if (!entry.out) return messages;
    proto::frame_reader frames(1 << 24);
    frames.feed(entry.out->bulk, [&](std::string_view text) { messages.push_back(json::parse(text)); });
    entry.out->bulk.clear();
    return messages;
  }
  /// The one message that was sent to this connection since the last look.
  static json only_sent_to(connection_entry& entry) {
    auto messages = sent_to(entry);
    EXPECT_EQ(messages.size(), 1U);
    return messages.empty() ? json() : std::move(messages.front());
  }
  static int code_of(const json& answer) { return answer.value("/error/code"_json_pointer, 0); }
  static int number(error_code code) { return static_cast<int>(code); }

  /// To the other router since the last look.
  std::vector<remote_item> sent_away() {
    out.outbox.flush();
    std::vector<remote_item> items;
    for (const auto& element : take_received()) {
      auto* m = actor_message::from(*element);
      if (m == nullptr || m->what() != actor_message::type::remote_calls) continue;
      std::ranges::copy(static_cast<remote_calls*>(m)->items(), std::back_inserter(items));
    }
    return items;
  }
  remote_item only_sent_away() {
    auto items = sent_away();
    EXPECT_EQ(items.size(), 1U);
    return items.empty() ? remote_item() : std::move(items.front());
  }
  std::vector<caf::mailbox_element_ptr> take_received() {
    return std::exchange(caf::actor_cast<other_router*>(other)->received, {});
  }

  /// Nothing is left of any call.
  void expect_nothing_under_way() {
    for (const auto gauge :
         {metric::in_flight, metric::outbound_in_flight, metric::left_behind, metric::held_request_bytes,
          metric::queue_length, metric::streams_open, metric::stream_waiting_bytes, metric::batches_open})
      EXPECT_EQ(counted(gauge), 0) << static_cast<int>(gauge);
    EXPECT_EQ(work.book.awaited(), 0U);
  }

  caf::strong_actor_ptr other;
  std::vector<caf::strong_actor_ptr> all_routers;
  std::shared_ptr<routing_table> table = std::make_shared<routing_table>();
};

}  // namespace weft
