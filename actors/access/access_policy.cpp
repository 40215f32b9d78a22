#include "actors/access/access_policy.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

namespace weft {

method_set::method_set(const std::vector<std::string>& patterns) {
  for (const auto& pattern : patterns) add(pattern);
}

bool method_set::covers(std::string_view method_or_pattern) const noexcept {
  // `users.*` begins with `users.`, so a pattern is covered by the prefixes that cover all it stands for.
  return all_ || names_.contains(method_or_pattern) ||
         std::ranges::any_of(prefixes_,
                             [&](const auto& prefix) { return method_or_pattern.starts_with(prefix); });
}

void method_set::add(std::string_view pattern) {
  if (pattern == "*") {
    all_ = true;
  } else if (pattern.ends_with('*')) {
    prefixes_.emplace_back(pattern.substr(0, pattern.size() - 1));
  } else {
    names_.emplace(pattern);
  }
}

void method_set::add(const method_set& more) {
  all_ = all_ || more.all_;
  names_.insert(more.names_.begin(), more.names_.end());
  prefixes_.insert(prefixes_.end(), more.prefixes_.begin(), more.prefixes_.end());
}

token_digest digest_of(std::string_view token) {
  token_digest digest;
  unsigned size = digest.size();
  if (EVP_Digest(token.data(), token.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("OpenSSL has no SHA-256");
  return digest;
}

std::string check_token(std::string_view token) {
  if (token.size() < shortest_token || token.size() > longest_token) {
    return fmt::format("a token has {} to {} characters, not {}; make one with: openssl rand -hex 32",
                       shortest_token, longest_token, token.size());
  }
  if (!std::ranges::all_of(token, [](char c) { return c > ' ' && c <= '~'; }))
    return "a token is made of printable ASCII without spaces; make one with: openssl rand -hex 32";
  return {};
}

access_policy::access_policy(std::vector<identity> identities, identity everyone)
    : identities_(std::move(identities)), everyone_(std::move(everyone)) {
  for (auto& each : identities_) {
    each.serve.add(everyone_.serve);
    each.call.add(everyone_.call);
  }
}

const identity* access_policy::identify(const token_digest& presented) const {
  // Digests have one length, whatever the token's, CRYPTO_memcmp takes a time that depends on that length
  // only (CRYPTO_memcmp(3ssl)), and every identity is looked at, also behind the right one.
  const identity* found = nullptr;
  for (const auto& each : identities_) {
    for (const auto& digest : each.digests) {
      if (CRYPTO_memcmp(digest.data(), presented.data(), presented.size()) == 0) found = &each;
    }
  }
  return found;
}

const identity* access_policy::identify_names(std::span<const std::string> sans) const {
  const auto found = std::ranges::find_if(identities_, [&](const identity& each) {
    return std::ranges::find_first_of(each.sans, sans) != each.sans.end();
  });
  return found == identities_.end() ? nullptr : &*found;
}

}  // namespace weft
