// What tests of a router's parts need: all of them, wired as in a router, on this thread.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include "actors/router/router.hpp"
#include "actors/service/service_host.hpp"
#include "tests/actors/transport/resources_case.hpp"

namespace weft {

class parts_case : public resources_case, protected call_owner {
 protected:
  parts_case() { site.routes = std::make_shared<routing_table>(); }
  ~parts_case() override {
    for (const int end : others) ::close(end);
  }

  /// A connection to a client that says nothing.
  connection_entry& connect() {
    std::array<int, 2> ends{-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    others.push_back(ends[1]);
    return out.connections.add(ends[0], {}, connection_entry::role::client,
                               caf::actor_cast<caf::strong_actor_ptr>(of));
  }

  /// A message as a connection brings it.
  struct message {
    explicit message(std::string raw) : text(std::move(raw)) {
      EXPECT_EQ(proto::scan(text, {64, 1, true}, envelope, batch).kind, proto::scan_kind::single);
    }
    std::string text;
    std::vector<proto::envelope> batch;
    proto::envelope envelope;
  };
  request request_from(connection_entry& entry, const message& m) const {
    const answer_target target{entry.key(), m.envelope.id, nullptr, 0, !m.envelope.id.empty()};
    return {entry, m.envelope, m.envelope.method, target, site.now(), std::chrono::seconds(1)};
  }

  std::int64_t counted(metric which) { return shared.loop.metrics().get(which); }

 private:
  void on_call_timer(call&) override {}

  service_host services;
  std::map<std::string, std::shared_ptr<admission_state>> admissions;
  std::vector<caf::strong_actor_ptr> routers;
  std::vector<int> others;

  router_environment environment() {
    router_environment about;
    about.services = &services;
    about.admissions = &admissions;
    about.system = &system;
    about.routers = &routers;
    return about;
  }

 protected:
  /// Whom the site refers to; it never runs.
  caf::actor of = spawn_pinned<router>(system, shared.loop, shared, environment());
  router_site site{*caf::actor_cast<router*>(of), *this, shared.loop, shared, environment()};
  coro::scope tasks{shared.loop, [](const std::exception_ptr&) { ADD_FAILURE(); }};
  output_parts out{site};
  call_parts work{site, out, tasks};
  input_parts in{site, out, work, tasks};
};

}  // namespace weft
