// The control messages of the protocol: who is there, what it serves, what it takes back, when it goes. One
// row in the table of session.cpp for each: name, handler, who may send it.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "actors/messages/router_messages.hpp"
#include "actors/methods/declaration.hpp"
#include "actors/registry/session_messages.hpp"
#include "actors/router/calls.hpp"
#include "actors/router/gatekeeper.hpp"
#include "actors/telemetry/log_budget.hpp"

namespace weft {

class uplinks;

class session {
 public:
  session(router_site& site, connections& entries, answers& replies, calls& book, gatekeeper& gate,
          uplinks& to_nodes) noexcept
      : site_(site),
        connections_(entries),
        answers_(replies),
        calls_(book),
        gate_(gate),
        uplinks_(to_nodes) {}

  /// True when the request was one of these, and is dealt with.
  bool handle(request& r);
  void on_registered(const registered_message& message);
  /// Its connection is gone.
  void on_gone(connection_entry& entry);
  /// The node drains: everyone hears so, and whoever comes later as well.
  void drain(std::chrono::milliseconds time_left);
  /// One line a second, for what strangers can bring about; nothing when it is to be left out.
  log_budget& lines() noexcept { return lines_; }

 private:
  struct row {
    std::string_view name;
    void (session::*handle)(request& r);
    /// A notification, which as a request does not exist.
    bool notification;
    /// From other nodes only.
    bool nodes_only;
  };
  static const row table[];
  /// Is answered once the registry has it in force.
  struct registration {
    connection_key from;
    std::string raw_id;
    batch_answers* group = nullptr;
    std::uint32_t part = 0;
    std::string result;
  };

  void on_connect(request& r);
  void on_heartbeat(request& r);
  void on_drain(request& r);
  void on_cancel(request& r);
  void on_goaway(request& r);
  void on_routes(request& r);
  void on_resync(request& r);

  void take(connection_entry& entry, connect_message& read);
  nlohmann::json connect_result(const connection_entry& entry, std::chrono::milliseconds heartbeat) const;
  /// The params of `connect`; counts the limit that they exceed.
  std::expected<connect_message, rpc_error> read_params(std::string_view raw_params);
  void refuse_twin(request& r);
  void complain(const connection_entry& entry, std::string_view method, std::string_view what);
  /// Tells the registry what the connection serves, and answers with `result` once it is in force.
  void register_service(request& r, service_declaration declaration, std::string result);
  std::string goaway() const;

  router_site& site_;
  connections& connections_;
  answers& answers_;
  calls& calls_;
  gatekeeper& gate_;
  uplinks& uplinks_;
  std::map<std::uint64_t, registration> registrations_;
  std::uint64_t next_ticket_ = 1;
  log_budget lines_;
  bool draining_ = false;
  std::chrono::milliseconds drain_deadline_{0};
};

}  // namespace weft
