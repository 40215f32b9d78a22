// Whether the certificate of a peer will do, and the sentence if not.
//
// Thread safety: what belongs to a connection is used by its thread only.
#pragma once

#include <string>
#include <vector>

#include <openssl/x509_vfy.h>

#include "actors/tls/names.hpp"

namespace weft::tls {

/// What a connection demands of its peer's certificate, and what was wrong with it.
struct verification {
  bool of_server = false;
  /// The host that was dialled; empty when the name is not looked at.
  std::string host;
  /// Names of which the certificate must have one; empty for any.
  std::vector<std::string> demanded;
  /// How the option is called that names the CA bundle.
  std::string authorities_name;
  /// What the certificate was refused for, empty when it was not.
  std::string complaint;
};

/// One step of OpenSSL's verification: keeps the first complaint. The result is OpenSSL's: 1 goes on, 0
/// refuses.
int verify_step(int ok, X509_STORE_CTX* step, verification& about) noexcept;

/// What a resumed session must be asked again, since its certificate was looked at when it began; empty when
/// nothing is wrong.
std::string check_resumed(const X509& certificate, const verification& about, time_point now);

}  // namespace weft::tls
