// Certificate, key and CA bundle from PEM files, checked before anybody uses them.
//
// Errors are sentences that name the file, what is wrong with it and what would be right. Thread safety:
// functions without state; `material` is its owner's.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "actors/tls/handles.hpp"
#include "actors/tls/names.hpp"

namespace weft::tls {

struct file_paths {
  /// The certificate, behind it those between it and the authority; empty for none.
  std::string certificate;
  /// Its private key, which nobody else may read; empty when it is in the certificate's file.
  std::string key;
  /// Whose certificates to trust; empty for those that the system trusts.
  std::string authorities;
  friend bool operator==(const file_paths&, const file_paths&) = default;
};

struct material {
  /// Null when there is no certificate.
  x509_ptr certificate;
  std::vector<x509_ptr> chain;
  key_ptr key;
  std::vector<x509_ptr> authorities;
};

/// Reads what `paths` names. A certificate that has expired, or is not valid yet, is refused.
std::expected<material, std::string> read_material(const file_paths& paths,
                                                   time_point now = std::chrono::system_clock::now());

/// The same without files, for tests: PEM texts, empty for none.
std::expected<material, std::string> parse_material(const std::string& certificate, const std::string& key,
                                                    const std::string& authorities);

}  // namespace weft::tls
