#include "actors/router/gatekeeper.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "actors/transport/network.hpp"

namespace weft {

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
  return refuse(*entry.who, metric::auth_call, fmt::format("call '{}'", method));
}

rpc_error gatekeeper::refuse_token(link_entry& entry) {
  const auto limit = site_.options.auth.max_failures;
  site_.metrics().add(metric::auth_wrong_token);
  const bool counted = entry.wrong_tokens < limit;
  if (counted) ++entry.wrong_tokens;
  if (const auto left_out = counted ? lines_.take(site_.now()) : std::nullopt) {
    site_.shared.log->warn(
        "connection {}-{}-{} from {}: presented a token that nobody has, wrong one {} of {} "
        "(auth.max_failures){}",
        site_.index(), entry.slot, entry.generation, format_address(entry.address), entry.wrong_tokens, limit,
        left_out_note(*left_out));
  }
  if (counted && entry.wrong_tokens == limit) {
    site_.metrics().add(metric::limit_auth_failures);
    site_.shared.log->warn("connection {}-{}-{} from {}: cut after {} wrong tokens (auth.max_failures)",
                           site_.index(), entry.slot, entry.generation, format_address(entry.address), limit);
    links_.finish(entry);
  }
  auto message = std::string("nobody has this token; present one that the node's auth.tokens_file knows");
  if (entry.wrong_tokens >= limit)
    message += fmt::format(". The connection ends after {} wrong ones (auth.max_failures)", limit);
  return make_mesh_error(error_code::unauthenticated, std::move(message), executed::no, site_.options.id);
}

std::expected<const identity*, rpc_error> gatekeeper::authorize(link_entry& entry, std::string_view token,
                                                                std::span<const served_method> serves,
                                                                bool as_node) {
  const auto* who = entry.who;
  if (who == nullptr) return nullptr;
  if (!token.empty()) {
    // Behind the last wrong token nothing is looked at any more: one read may hold thousands of guesses.
    const bool cut = entry.wrong_tokens >= site_.options.auth.max_failures;
    who = cut ? nullptr : site_.options.auth.policy->identify(token);
    if (who == nullptr) return std::unexpected(refuse_token(entry));
  }
  if (as_node && !who->node) return std::unexpected(refuse(*who, metric::auth_node, "link as a node"));
  const auto forbidden = std::ranges::find_if(
      serves, [&](const served_method& method) { return !who->serve.covers(method.pattern); });
  if (forbidden != serves.end()) {
    return std::unexpected(refuse(*who, metric::auth_serve, fmt::format("serve '{}'", forbidden->pattern)));
  }
  return who;
}

void gatekeeper::admit(link_entry& entry, const identity* who, bool as_node) {
  entry.who = who;
  entry.of_identity = nullptr;
  if (who == nullptr || as_node || who == &site_.options.auth.policy->everyone()) return;
  const auto [found, first] = usages_.try_emplace(who);
  if (first) found->second.blocking = site_.environment.identities->blocking_of(who->name);
  entry.of_identity = &found->second;
}

}  // namespace weft
