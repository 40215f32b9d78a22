// What the registry knows, and the parts of it that work on that: services.cpp, links.cpp,
// exchange.cpp, table_builder.cpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/registry/messages.hpp"
#include "actors/registry/node_link.hpp"
#include "actors/registry/registry.hpp"
#include "actors/telemetry/log_budget.hpp"

namespace weft {

/// The nodes that this one is to be connected to.
struct listed_peers {
  std::map<std::string, known_peer> by_key;
  /// Every source of peers has been looked at.
  bool complete = false;
};

/// What connections of this node serve.
struct registered_services {
  std::vector<service_changed> list;
  /// To be in force with the next table, or refused with it.
  std::vector<std::shared_ptr<registration>> registrations;
  /// The node goes: the others are told of none of them.
  bool withdrawn = false;
  /// Lines about services that come and go.
  log_budget lines{10};
};

/// What the other nodes are told.
struct advertised_routes {
  /// What they were told last.
  method_map last;
  /// A link is to be told everything, but not yet.
  bool later = false;
  bool scheduled = false;
};

/// Patterns that nobody serves any more, and since when: their callers are told "unavailable, try again"
/// instead of "no such method" while a service restarts.
struct gone_pattern {
  std::chrono::steady_clock::time_point since;
  /// The connection or node that served it last.
  std::string owner;
};

/// The routing table of the moment, and what outlives it.
struct published_routes {
  std::shared_ptr<const routing_table> table = std::make_shared<routing_table>();
  /// Lives as long as its instance, whatever happens to the table.
  std::map<std::string, std::shared_ptr<endpoint_state>> states;
  /// By pattern, as long as the pattern is limited.
  std::map<std::string, std::shared_ptr<admission_state>> admissions;
  std::map<std::string, gone_pattern> gone;
  /// The next one is about to be made.
  bool pending = false;
  /// The document does not say yet what is served now.
  bool document_stale = true;
};

struct registry_state {
  registry_environment environment;
  listed_peers peers;
  registered_services services;
  std::vector<node_link> links;
  /// Links whose routes came before the news that the link is there: one read may bring both the answer to
  /// `connect` and the routes behind it.
  std::vector<connection_address> early;
  advertised_routes advertised;
  published_routes published;

  static inline const char* name = "registry";
};

// -- parts of the registry, for its own files
/// A service is there, gone, or serves something else.
void on_service(registry_state& state, service_changed& message);
void on_serve_rights(registry_state& state, const serve_rights& message);
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
void take_routes(registry_state& state, node_routes& message);
void ask_for_routes(const registry_state& state, const connection_address& link);
std::shared_ptr<const routing_table> build_table(registry_state& state);
nlohmann::json describe_routes(const registry_state& state);

}  // namespace weft
