// Rendezvous hashing (Thaler and Ravishankar 1996): every candidate is scored with the key, the highest score
// wins. When an instance comes or goes, only the keys it wins or won move. A request without a key goes to
// any candidate.
#include <functional>
#include <string>

#include "actors/balance/policy.hpp"
#include "proto/envelope.hpp"

namespace weft {
namespace {

std::uint64_t mix(std::uint64_t h) noexcept {
  h ^= h >> 33;
  h *= 0xFF51AFD7ED558CCDULL;
  h ^= h >> 33;
  h *= 0xC4CEB9FE1A85EC53ULL;
  return h ^ h >> 33;
}

std::uint64_t hash(std::string_view text) noexcept {
  return std::hash<std::string_view>{}(text);
}

/// A hash of what the raw JSON stands for: clients differ in which characters of a string they escape.
std::uint64_t hash_of_key(std::string_view raw) {
  if (!raw.starts_with('"') || raw.find('\\') == raw.npos) return hash(raw);
  std::string text = "\"";
  std::string content;
  proto::unescape(raw.substr(1, raw.size() - 2), content);
  return hash(text.append(content).append("\""));
}

}  // namespace

const endpoint* choose_consistent_hash(candidates from, choice_context& context) {
  if (context.route_key.empty()) return choose_p2c(from, context);
  const auto key = hash_of_key(context.route_key);
  const endpoint* best = nullptr;
  std::uint64_t best_score = 0;
  for (const auto* candidate : from) {
    const auto score = mix(key ^ mix(hash(candidate->node) * 31 + hash(candidate->instance)));
    if (best == nullptr || score > best_score) {
      best = candidate;
      best_score = score;
    }
  }
  return best;
}

}  // namespace weft
