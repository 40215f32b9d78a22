#include "actors/router/gatekeeper.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "actors/registry/messages.hpp"
#include "actors/router/node_links.hpp"
#include "actors/transport/acceptor.hpp"
#include "actors/transport/network.hpp"
#include "proto/message.hpp"

namespace weft {

gatekeeper::gatekeeper(router_site& site, connections& entries)
    : site_(site),
      connections_(entries),
      connection_share_(share_of(connection_limit(site.options.limits.connections),
                                 site.options.limits.share_percent, 1)) {}

rpc_error gatekeeper::refuse(const identity& who, metric right, std::string_view what) const {
  const bool nobody = &who == &site_.access->everyone();
  site_.metrics().add(nobody ? metric::auth_no_token : right);
  return make_mesh_error(
      nobody ? error_code::unauthenticated : error_code::permission_denied,
      nobody ? fmt::format("without a token one may not {}; send connect with a 'token' first", what)
             : fmt::format("'{}' may not {}: the node's auth.tokens_file does not say so", who.name, what),
      executed::no, site_.options.id);
}

rpc_error gatekeeper::refuse_call(const connection_entry& entry, std::string_view method) const {
  return refuse(*entry.access.who, metric::auth_call, fmt::format("call '{}'", method));
}

std::optional<rpc_error> gatekeeper::take_quota(const connection_entry& entry, std::size_t bytes) const {
  const auto* of = entry.access.of_identity;
  if (of == nullptr || of->quota == nullptr) return std::nullopt;
  const auto now = coro::clock::now();
  auto wait = of->quota->take_bytes(now, bytes);
  const bool too_large = wait.has_value();
  if (!wait) wait = of->quota->take_call(now);
  if (!wait) return std::nullopt;
  const auto& limits = of->quota->limits();
  return site_.exhausted(
      too_large ? fmt::format("'{}' sends more than {} bytes a second, its quota (bytes_per_second in "
                              "auth.tokens_file)",
                              entry.access.who->name, limits.bytes_per_second)
                : fmt::format("'{}' makes more than {} calls a second, its quota (calls_per_second in "
                              "auth.tokens_file)",
                              entry.access.who->name, limits.calls_per_second),
      executed::no, std::chrono::ceil<std::chrono::milliseconds>(*wait).count());
}

rpc_error gatekeeper::refuse_token(connection_entry& entry) {
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
    connections_.finish(entry);
  }
  auto message = std::string("nobody has this token; present one that the node's auth.tokens_file knows");
  if (entry.access.wrong_tokens >= limit)
    message += fmt::format(". The connection ends after {} wrong ones (auth.max_failures)", limit);
  return make_mesh_error(error_code::unauthenticated, std::move(message), executed::no, site_.options.id);
}

const identity* gatekeeper::shown_by(const connection_entry& entry) const {
  const auto* session = entry.transport->session();
  // What a node that was dialled has shown says who it is, not what it may do here.
  if (session == nullptr || entry.as == connection_entry::role::node_out) return nullptr;
  std::vector<std::string> names;
  for (const auto& each : session->peer_names()) names.push_back(each.text);
  return site_.access->identify_names(names);
}

void gatekeeper::recognize(connection_entry& entry) {
  if (!site_.access) return;
  const auto* who = shown_by(entry);
  if (who == nullptr) return;
  if (auto full = take_place(entry, who, false)) {
    std::string payload;
    proto::append_error(payload, {}, *full);
    return connections_.send_frame(entry, payload, true);
  }
  admit(entry, who, {}, false);
}

std::optional<rpc_error> gatekeeper::check_node_names(const connection_entry& entry) const {
  const auto& demanded = site_.options.tls.node_names;
  if (demanded.empty()) return std::nullopt;
  const auto* session = entry.transport->session();
  if (session != nullptr && tls::any_of(session->peer_names(), demanded)) return std::nullopt;
  site_.metrics().add(metric::auth_node);
  return make_mesh_error(error_code::permission_denied,
                         fmt::format("a node shows a certificate for {} here (tls.node_names); this one {}",
                                     fmt::join(demanded, " or "),
                                     session == nullptr ? std::string("has connected without TLS")
                                                        : "has " + tls::list_of(session->peer_names())),
                         executed::no, site_.options.id);
}

std::expected<const identity*, rpc_error> gatekeeper::authorize(connection_entry& entry,
                                                                std::string_view token,
                                                                std::span<const served_method> serves,
                                                                bool as_node) {
  if (as_node) {
    if (auto wrong = check_node_names(entry)) return std::unexpected(std::move(*wrong));
  }
  const auto* who = entry.access.who;
  if (who == nullptr) return nullptr;
  if (!token.empty()) {
    // Behind the last wrong token nothing is looked at any more: one read may hold thousands of guesses.
    const bool cut = entry.access.wrong_tokens >= site_.options.auth.max_failures;
    who = cut ? nullptr : site_.access->identify(token);
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
  return who == nullptr || as_node || who == &site_.access->everyone();
}

usage& gatekeeper::usage_of(const identity& who) {
  auto& of = usages_[who.name];
  if (of.connections == nullptr || (of.quota ? of.quota->limits() : quota_limits{}) != who.quota) {
    const auto counts = site_.environment.identities->of(who.name, who.quota);
    of.blocking = counts.blocking;
    of.connections = counts.connections;
    of.in_flight = counts.in_flight;
    of.quota = counts.quota;
  }
  return of;
}

std::optional<rpc_error> gatekeeper::take_place(connection_entry& entry, const identity* who, bool as_node) {
  if (is_nobodys(who, as_node)) {
    entry.access.place.reset();
    return std::nullopt;
  }
  if (entry.access.place && entry.access.who == who) return std::nullopt;
  const auto quota = who->quota.connections;
  const auto most = quota > 0 ? std::min(quota, connection_share_) : connection_share_;
  entry.access.place = usage_account::take_of_share(usage_of(*who).connections, most);
  if (entry.access.place) return std::nullopt;
  constexpr std::int64_t retry_after_ms = 1'000;
  site_.metrics().add(metric::limit_connection_share);
  connections_.finish(entry);
  return make_mesh_error(
      error_code::resource_exhausted,
      fmt::format("{} connections of '{}' are open, its {}; this one ends", most, who->name,
                  most == quota ? "quota (connections in auth.tokens_file)"
                                : "share (limits.share_percent of limits.connections)"),
      executed::no, site_.options.id, retry_after_ms);
}

void gatekeeper::admit(connection_entry& entry, const identity* who, std::string_view token, bool as_node) {
  entry.access.who = who;
  if (who != nullptr && !token.empty()) entry.access.proof = digest_of(token);
  entry.access.of_identity = nullptr;
  if (!is_nobodys(who, as_node)) entry.access.of_identity = &usage_of(*who);
}

void gatekeeper::change(std::shared_ptr<const access_policy> policy) {
  // Until the last connection has left it.
  const auto before = std::exchange(site_.access, std::move(policy));
  connections_.for_each_open([&](connection_entry& entry) {
    if (entry.access.who != nullptr) reassess(entry);
  });
  std::erase_if(usages_, [](const auto& named) {
    const usage& of = named.second;
    return of.calls == 0 && of.held_bytes == 0 && of.waiting == 0 && of.connections.use_count() <= 2;
  });
}

void gatekeeper::reassess(connection_entry& entry) {
  auto& access = entry.access;
  const auto& policy = *site_.access;
  // Nobody's token, or certificate, is not the same as none.
  const bool had_identity = !access.who->name.empty();
  const auto* who = access.proof ? policy.identify(*access.proof) : shown_by(entry);
  if (!access.proof && who == nullptr && !had_identity) who = &policy.everyone();
  const bool same = who != nullptr && who->name == access.who->name;
  access.who = who != nullptr ? who : &policy.everyone();
  if (!same) {
    access.place.reset();
    access.of_identity = nullptr;
  }
  if (who == nullptr) {
    const bool by_token = access.proof.has_value();
    access.proof.reset();
    return dismiss(entry, by_token ? "the token that was shown is not valid any more"
                                   : "the certificate that was shown is nobody's any more");
  }
  if (entry.as == connection_entry::role::node_in && !who->node)
    return dismiss(entry, fmt::format("'{}' may not link as a node of '{}' any more (auth.tokens_file)",
                                      who->name, site_.options.id));
  if (!is_nobodys(who, entry.is_link())) access.of_identity = &usage_of(*who);
  if (entry.state.serves) site_.tell_registry(serve_rights{{site_.index(), entry.key()}, who->serve});
}

void gatekeeper::dismiss(connection_entry& entry, std::string_view reason) {
  site_.metrics().add(metric::auth_revoked);
  site_.shared.log->info("connection {}-{}-{} to {} ({}) ends: {}", site_.index(), entry.id.slot,
                         entry.id.generation, entry.party.title(), format_address(entry.party.address),
                         reason);
  constexpr std::chrono::milliseconds no_time{0};
  connections_.send_frame(entry, goaway_frame(reason, no_time, no_time), true);
  connections_.finish(entry);
}

}  // namespace weft
