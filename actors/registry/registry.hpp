// The registry: one actor per node that owns the truth about the mesh: which peers there are and how they
// are, which services are connected here, which methods other nodes serve. It publishes all of it to the
// routers as an immutable table, and tells the other nodes what is served here.
//
// It runs on a thread of its own: handlers that block CAF's scheduler must not keep the mesh from learning
// anything. What arrives never ends it: messages of other nodes are read by the routers, and an exception
// costs the message that brought it about.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include "actors/discovery/merge.hpp"
#include "actors/methods/declaration.hpp"
#include "actors/registry/routing_table.hpp"
#include "actors/registry/session_messages.hpp"
#include "actors/runtime/metrics.hpp"

namespace spdlog {
class logger;
}

namespace weft {

/// What a peer actor reports about itself, whenever it changes.
struct peer_status {
  /// `conflict`: another node has the id of the node there, or of this one.
  enum class state : std::uint8_t {
    resolving,
    connecting,
    introducing,
    up,
    backing_off,
    self,
    conflict,
    draining
  };

  /// Its address: `address_key`.
  std::string key;
  state is = state::resolving;
  /// The peer's own node id, once introduced.
  std::string node;
  link_address link;
  std::uint64_t attempts = 0;
  std::string last_error;
  std::chrono::system_clock::time_point since = std::chrono::system_clock::now();
};

std::string_view to_string(peer_status::state) noexcept;

/// From the peer manager: what the sources of peers list now, and whether each of them has been looked at.
struct peers_listed {
  peer_listings peers;
  bool complete = false;
};
/// From a peer actor that ends.
struct peer_gone {
  std::string key;
};

/// A connection has said what it serves; an empty list withdraws it.
struct service_changed {
  link_address link;
  service_declaration declaration;
  /// For `registered_message` once it is in force, or refused; 0 when nobody waits.
  std::uint64_t ticket = 0;
};
/// A connection to another node was introduced, or is gone.
struct node_link_changed {
  link_address link;
  std::string node;
  bool up = false;
  std::string incarnation;
  std::string address;
  /// The largest frame for it.
  std::size_t frame_bytes = 0;
};
/// Did the other side of this link answer when it was asked?
struct node_link_probed {
  link_address link;
  bool alive = false;
};
/// A connection to another node carries no new calls, but for what nobody else serves if that node hands its
/// services over.
struct node_link_leaving {
  link_address link;
  bool hands_over = false;
};
/// Another node told what it serves (`mesh.routes`), or asks for everything (`mesh.resync`).
struct node_routes {
  link_address link;
  routes_message routes;
};
struct node_resync {
  link_address link;
};
struct peers_query {};
struct known_peer {
  peer_listing listing;
  peer_status status;
  /// False while it drains.
  bool listed = true;
};
using peer_list = std::vector<known_peer>;
struct routes_query {};
/// How many patterns are served by services of this node and by no node that stays? Answered with a number.
struct served_only_here_query {};
/// Nothing is served here any more.
struct withdraw_all {};
struct publish_now {};
struct advertise_now {};

/// The OpenRPC document, written by the registry and read by every router.
using shared_document = std::atomic<std::shared_ptr<const std::string>>;

/// What the registry needs to know of its node.
struct registry_environment {
  std::string node;
  std::vector<caf::strong_actor_ptr> routers;
  /// Methods served inside the process.
  std::vector<served_method> in_process;
  limit_options limits;
  balance_options balance;
  std::shared_ptr<shared_document> document;
  std::shared_ptr<spdlog::logger> log;
  /// Of a shard, for the registry's own counts; touched from any thread.
  metrics* counts = nullptr;
  /// The document with the methods of the process itself.
  nlohmann::json own_document;
};

using method_map = std::map<std::string, remote_method>;

/// A connection to another node and what came over it.
struct node_link {
  link_address link;
  std::string node;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::string incarnation;
  std::string address;
  std::size_t frame_bytes = 0;
  bool in_step = false;
  /// Another life of the same node has a link: until it is known whether that one still lives, this one
  /// waits.
  bool waiting = false;
  bool leaving = false;
  bool hands_over = false;
  /// It tells of more methods than it may.
  bool over_limit = false;
  /// No method was too large for it so far.
  bool told_all = true;
  /// It is to be told everything, with the next table: whoever asks for it again and again is told as often
  /// as tables are made, and not sooner than `advertise_interval` after the last time.
  bool wants_all = true;
  std::chrono::steady_clock::time_point told_all_at{};
  method_map methods;
};

struct registry_state {
  registry_environment environment;
  std::map<std::string, known_peer> peers;
  /// Every source of peers has been looked at.
  bool peers_complete = false;
  std::vector<service_changed> services;
  /// To be in force with the next table, or refused with it.
  std::vector<std::shared_ptr<registration>> registrations;
  std::vector<node_link> links;
  /// Links whose routes came before the news that the link is there: one read may bring both the answer to
  /// `connect` and the routes behind it.
  std::vector<link_address> early;
  /// What the other nodes were told last.
  method_map advertised;
  /// Lives as long as its instance, whatever happens to the table.
  std::map<std::string, std::shared_ptr<endpoint_state>> states;
  /// By pattern, as long as the pattern is limited.
  std::map<std::string, std::shared_ptr<admission_state>> admissions;
  /// Patterns that nobody serves any more, and since when: their callers are told "unavailable, try again"
  /// instead of "no such method" while a service restarts.
  struct gone_pattern {
    std::chrono::steady_clock::time_point since;
    /// The connection or node that served it last.
    std::string owner;
  };
  std::map<std::string, gone_pattern> gone;
  std::shared_ptr<const routing_table> table = std::make_shared<routing_table>();
  bool publishing = false;
  /// A link is to be told everything, but not yet.
  bool advertise_later = false;
  bool advertising = false;
  bool withdrawn = false;
  /// The document does not say yet what is served now.
  bool document_stale = true;

  static inline const char* name = "registry";
};

/// Its creator sends the first `publish_now`: what an actor sends itself while it starts is lost (CAF 0.17.6,
/// seen with detached actors).
caf::behavior registry(caf::stateful_actor<registry_state>* self, registry_environment environment);

// -- parts of the registry, for its own files
/// A link is introduced or gone.
void on_link(registry_state& state, const node_link_changed& message);
void on_probed(registry_state& state, const node_link_probed& message);
/// Methods known from anywhere.
std::size_t known_routes(const registry_state& state);
std::size_t schema_bytes_of(const service_declaration& declaration);
std::size_t schema_bytes_of(const node_link& link);
/// How much more a service or link, which has `of_one` bytes of schemas, may bring.
class schema_room {
 public:
  schema_room(const registry_state& state, std::size_t of_one);
  bool take(std::size_t bytes) noexcept;
  void give_back(std::size_t bytes) noexcept;

 private:
  std::size_t of_one_;
  std::size_t in_all_ = 0;
  std::size_t share_ = 0;
  std::size_t most_ = 0;
};
method_map own_methods(const registry_state& state);
/// To every link what it does not know yet. True when one has to wait for it.
bool advertise(registry_state& state);
inline constexpr std::chrono::milliseconds advertise_interval{200};
void take_routes(registry_state& state, node_routes& message);
void ask_for_routes(const registry_state& state, const link_address& link);
std::shared_ptr<const routing_table> build_table(registry_state& state);
nlohmann::json describe_routes(const registry_state& state);

}  // namespace weft

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::peer_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::peers_listed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::peer_gone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::service_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::node_link_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::node_link_leaving)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::node_link_probed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::node_routes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::node_resync)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::peers_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::peer_list)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::routes_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::served_only_here_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::withdraw_all)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::publish_now)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::advertise_now)
