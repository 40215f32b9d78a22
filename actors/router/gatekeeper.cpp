#include "actors/router/gatekeeper.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "actors/transport/acceptor.hpp"
#include "actors/transport/network.hpp"

namespace weft {

gatekeeper::gatekeeper(router_site& site, links& connections)
    : site_(site),
      links_(connections),
      connection_share_(share_of(connection_limit(site.options.limits.connections),
                                 site.options.limits.share_percent, 1)) {}

rpc_error gatekeeper::refuse(const identity& who, metric right, std::string_view what) const {
  const bool nobody = &who == &site_.options.auth.policy->everyone();
  site_.metrics().add(nobody ? metric::auth_no_token : right);
  return make_mesh_error(
      nobody ? error_code::unauthenticated : error_code::permission_denied,
      nobody ? fmt::format("without a token one may not {}; send connect with a 'token' first", what)
             : fmt::format("'{}' may not {}: the node's auth.tokens_file does not say so", who.name, what),
      executed::no, site_.options.id);
}

rpc_error gatekeeper::refuse_call(const link_entry& entry, std::string_view method) const {
  return refuse(*entry.access.who, metric::auth_call, fmt::format("call '{}'", method));
}

rpc_error gatekeeper::refuse_token(link_entry& entry) {
  const auto limit = site_.options.auth.max_failures;
  site_.metrics().add(metric::auth_wrong_token);
  const bool counted = entry.access.wrong_tokens < limit;
  if (counted) ++entry.access.wrong_tokens;
  if (const auto left_out = counted ? lines_.take(site_.now()) : std::nullopt) {
    site_.shared.log->warn(
        "connection {}-{}-{} from {}: presented a token that nobody has, wrong one {} of {} "
        "(auth.max_failures){}",
        site_.index(), entry.id.slot, entry.id.generation, format_address(entry.party.address),
        entry.access.wrong_tokens, limit, left_out_note(*left_out));
  }
  if (counted && entry.access.wrong_tokens == limit) {
    site_.metrics().add(metric::limit_auth_failures);
    site_.shared.log->warn("connection {}-{}-{} from {}: cut after {} wrong tokens (auth.max_failures)",
                           site_.index(), entry.id.slot, entry.id.generation,
                           format_address(entry.party.address), limit);
    links_.finish(entry);
  }
  auto message = std::string("nobody has this token; present one that the node's auth.tokens_file knows");
  if (entry.access.wrong_tokens >= limit)
    message += fmt::format(". The connection ends after {} wrong ones (auth.max_failures)", limit);
  return make_mesh_error(error_code::unauthenticated, std::move(message), executed::no, site_.options.id);
}

std::expected<const identity*, rpc_error> gatekeeper::authorize(link_entry& entry, std::string_view token,
                                                                std::span<const served_method> serves,
                                                                bool as_node) {
  const auto* who = entry.access.who;
  if (who == nullptr) return nullptr;
  if (!token.empty()) {
    // Behind the last wrong token nothing is looked at any more: one read may hold thousands of guesses.
    const bool cut = entry.access.wrong_tokens >= site_.options.auth.max_failures;
    who = cut ? nullptr : site_.options.auth.policy->identify(token);
    if (who == nullptr) return std::unexpected(refuse_token(entry));
  }
  if (as_node && !who->node) return std::unexpected(refuse(*who, metric::auth_node, "link as a node"));
  const auto forbidden = std::ranges::find_if(
      serves, [&](const served_method& method) { return !who->serve.covers(method.pattern); });
  if (forbidden != serves.end()) {
    return std::unexpected(refuse(*who, metric::auth_serve, fmt::format("serve '{}'", forbidden->pattern)));
  }
  if (auto full = take_place(entry, who, as_node || entry.is_link()))
    return std::unexpected(std::move(*full));
  return who;
}

bool gatekeeper::is_nobodys(const identity* who, bool as_node) const {
  return who == nullptr || as_node || who == &site_.options.auth.policy->everyone();
}

usage& gatekeeper::usage_of(const identity& who) {
  const auto [found, first] = usages_.try_emplace(&who);
  if (first) {
    const auto counts = site_.environment.identities->of(who.name);
    found->second.blocking = counts.blocking;
    found->second.connections = counts.connections;
  }
  return found->second;
}

std::optional<rpc_error> gatekeeper::take_place(link_entry& entry, const identity* who, bool as_node) {
  if (is_nobodys(who, as_node)) {
    entry.access.place.reset();
    return std::nullopt;
  }
  if (entry.access.place && entry.access.who == who) return std::nullopt;
  entry.access.place = usage_account::take_of_share(usage_of(*who).connections, connection_share_);
  if (entry.access.place) return std::nullopt;
  constexpr std::int64_t retry_after_ms = 1'000;
  site_.metrics().add(metric::limit_connection_share);
  links_.finish(entry);
  return make_mesh_error(error_code::resource_exhausted,
                         fmt::format("{} connections of '{}' are open, its share (limits.share_percent of "
                                     "limits.connections); this one ends",
                                     connection_share_, who->name),
                         executed::no, site_.options.id, retry_after_ms);
}

void gatekeeper::admit(link_entry& entry, const identity* who, bool as_node) {
  entry.access.who = who;
  entry.access.of_identity = nullptr;
  if (!is_nobodys(who, as_node)) entry.access.of_identity = &usage_of(*who);
}

}  // namespace weft
