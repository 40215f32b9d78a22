// What the registry knows, and the parts of it that work on that: links.cpp, exchange.cpp, table_builder.cpp.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/registry/messages.hpp"
#include "actors/registry/registry.hpp"
#include "actors/telemetry/log_budget.hpp"

namespace weft {

using method_map = std::map<std::string, remote_method>;

inline constexpr std::chrono::milliseconds advertise_interval{200};

/// How often a link may be told everything: some times at once, then once an interval. Whoever asks more
/// often waits.
class advertise_budget {
 public:
  using clock = std::chrono::steady_clock;

  bool take(clock::time_point now) noexcept {
    const auto intervals = (now - refilled_) / advertise_interval;
    if (intervals > 0) {
      left_ = intervals > most ? most : std::min(most, left_ + static_cast<int>(intervals));
      refilled_ = now;
    }
    if (left_ == 0) return false;
    --left_;
    return true;
  }

 private:
  static constexpr int most = 4;
  int left_ = most;
  clock::time_point refilled_{};
};

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
  /// It is to be told everything, with the next table, if that was not too often lately.
  bool wants_all = true;
  advertise_budget budget;
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
  /// For services that come and go.
  log_budget service_lines{10};
  /// The document does not say yet what is served now.
  bool document_stale = true;

  static inline const char* name = "registry";
};

// -- parts of the registry, for its own files
/// A service is there, gone, or serves something else.
void on_service(registry_state& state, service_changed& message);
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
void ask_for_routes(const registry_state& state, const link_address& link);
std::shared_ptr<const routing_table> build_table(registry_state& state);
nlohmann::json describe_routes(const registry_state& state);

}  // namespace weft
