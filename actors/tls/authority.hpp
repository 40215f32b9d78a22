// A certificate authority for trying things out and for tests: `weft dev-certs`.
//
// Its certificates say that they are not for production, whoever looks at one. Keys are EC P-256.
//
// Thread safety: one thread at a time. Errors: sentences.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "actors/tls/handles.hpp"
#include "actors/tls/names.hpp"

namespace weft::tls {

/// In the subject of everything that it makes.
inline constexpr const char* dev_authority_name = "weft dev CA - not for production";

struct pem_pair {
  std::string certificate;
  std::string key;
};

struct certificate_request {
  /// The common name.
  std::string name{};
  /// SANs: host names, addresses and URIs.
  std::vector<std::string> names{};
  time_point from{};
  time_point until{};
  /// Whether it may sign others.
  bool authority = false;
  /// Extended key usage, as OpenSSL writes it.
  std::string usage = "serverAuth,clientAuth";
};

class dev_authority {
 public:
  static std::expected<dev_authority, std::string> make(time_point from, time_point until);
  /// One that was made before.
  static std::expected<dev_authority, std::string> from_pem(const pem_pair& own);

  std::expected<pem_pair, std::string> issue(const certificate_request& request) const;
  std::expected<pem_pair, std::string> own_pem() const;
  time_point expires() const;
  /// Whether it is one that `make` made, and not somebody's real one.
  bool is_dev() const;

 private:
  dev_authority(x509_ptr certificate, key_ptr key)
      : certificate_(std::move(certificate)), key_(std::move(key)) {}
  x509_ptr certificate_;
  key_ptr key_;
};

}  // namespace weft::tls
