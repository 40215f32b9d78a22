#include "actors/discovery/merge.hpp"

#include <algorithm>
#include <set>

#include "actors/transport/network.hpp"

namespace weft {
namespace {

/// The addresses to dial, within the limit.
std::set<std::string> admit(std::span<const listed_by> sources, std::size_t limit,
                            const std::function<bool(const std::string&)>& known, std::size_t& ignored) {
  std::set<std::string> unlimited;
  std::set<std::string> staying;
  std::vector<std::string> fresh;
  for (const auto& [source, limited, nodes] : sources) {
    for (const auto& node : nodes) {
      auto key = address_key(node.address);
      if (!limited)
        unlimited.insert(std::move(key));
      else if (known(key))
        staying.insert(std::move(key));
      else
        fresh.push_back(std::move(key));
    }
  }
  std::set<std::string> left_out;
  std::set<std::string> admitted;
  const auto take = [&](const std::string& key) {
    if (unlimited.contains(key) || admitted.contains(key)) return;
    if (admitted.size() < limit)
      admitted.insert(key);
    else
      left_out.insert(key);
  };
  std::ranges::for_each(staying, take);
  std::ranges::for_each(fresh, take);
  ignored = left_out.size();
  admitted.merge(unlimited);
  return admitted;
}

void add_once(std::vector<std::string>& texts, std::string_view text) {
  if (std::ranges::find(texts, text) == texts.end()) texts.emplace_back(text);
}

}  // namespace

std::string peer_listing::label() const {
  return names.empty() ? format_host_port(address) : names.front();
}

std::string address_key(const host_port& address) {
  const auto numeric = numeric_address(address);
  return numeric.empty() ? format_host_port(address) : format_address(numeric.front());
}

merged_listing merge(std::span<const listed_by> sources, std::size_t limit,
                     const std::function<bool(const std::string& key)>& known) {
  merged_listing merged;
  const auto admitted = admit(sources, limit, known, merged.ignored);
  std::map<std::string, std::string> owners;
  for (const auto& [source, limited, nodes] : sources) {
    for (const auto& node : nodes) {
      const auto key = address_key(node.address);
      if (!admitted.contains(key)) continue;
      const auto [entry, first] =
          merged.peers.try_emplace(key, peer_listing{node.address, node.known_as, {}, {}, node.tls});
      // Nobody who lists it without can talk a link out of TLS, or choose the name that is checked.
      if (node.tls && !entry->second.tls) entry->second.known_as = node.known_as;
      entry->second.tls |= node.tls;
      add_once(entry->second.sources, source);
      if (node.name.empty()) continue;
      if (owners.try_emplace(node.name, key).first->second == key)
        add_once(entry->second.names, node.name);
      else
        add_once(merged.ambiguous, node.name);
    }
  }
  return merged;
}

}  // namespace weft
