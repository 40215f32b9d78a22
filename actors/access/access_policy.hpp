// Who may serve and call which methods: identities, known by their tokens or certificates, and what each may
// do.
//
// A token itself is never kept: the policy holds SHA-256 digests. That suffices for tokens that are random;
// a password would need a slow hash.
//
// Ownership: immutable once built, shared by all routers; identities live as long as their policy. Thread
// safety: any thread may read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "actors/runtime/string_map.hpp"

namespace weft {

/// Methods by exact name, `prefix.*`, or `*` for all.
class method_set {
 public:
  method_set() = default;
  explicit method_set(const std::vector<std::string>& patterns);

  /// A method is in the set; or, for a `prefix.*`, every method that it stands for. Allocates nothing.
  bool covers(std::string_view method_or_pattern) const noexcept;
  void add(std::string_view pattern);
  void add(const method_set& more);

 private:
  bool all_ = false;
  std::unordered_set<std::string, string_hash, std::equal_to<>> names_;
  /// Without the star.
  std::vector<std::string> prefixes_;
};

using token_digest = std::array<std::uint8_t, 32>;

/// SHA-256.
token_digest digest_of(std::string_view token);

inline constexpr std::size_t shortest_token = 16;
inline constexpr std::size_t longest_token = 256;

/// What is wrong with a token as a secret, empty when nothing is. The sentence does not show the token.
std::string check_token(std::string_view token);

/// What the holders of an identity may take of a node, over all their connections to it; 0 is no limit.
struct quota_limits {
  double calls_per_second = 0;
  /// Calls that may come at once after a pause.
  double burst = 0;
  /// Of requests and of what is sent into streams.
  double bytes_per_second = 0;
  std::size_t in_flight = 0;
  std::size_t connections = 0;

  bool operator==(const quota_limits&) const = default;
};

/// What one may do at the admin port.
enum class admin_right : std::uint8_t { none, read, write };

/// Who someone is that shows one of its tokens, or a certificate with one of its names.
struct identity {
  std::string name;
  /// Several while a token is being replaced.
  std::vector<token_digest> digests = {};
  /// Subject alternative names: DNS names and URIs.
  std::vector<std::string> sans = {};
  /// May link as another node of the mesh, whose calls were checked where they came from.
  bool node = false;
  admin_right admin = admin_right::none;
  quota_limits quota;
  method_set serve;
  method_set call;
};

class access_policy {
 public:
  /// `everyone` is what a connection may do without a token; with one it may do so, too.
  access_policy(std::vector<identity> identities, identity everyone);
  // The addresses of the identities are given out.
  access_policy(const access_policy&) = delete;
  access_policy& operator=(const access_policy&) = delete;

  /// Whose token it is, null when nobody's. The time it takes tells nothing about the tokens.
  const identity* identify(std::string_view token) const { return identify(digest_of(token)); }
  const identity* identify(const token_digest& presented) const;
  /// Whose certificate it is that has these names, null when nobody's.
  const identity* identify_names(std::span<const std::string> sans) const;
  const identity& everyone() const noexcept { return everyone_; }

 private:
  std::vector<identity> identities_;
  identity everyone_;
};

}  // namespace weft
