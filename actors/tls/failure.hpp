// Sentences for what ends a session.
#pragma once

#include <string>

#include "actors/tls/context.hpp"
#include "actors/tls/descriptor_bio.hpp"
#include "actors/tls/session.hpp"
#include "actors/tls/verification.hpp"

namespace weft::tls {

struct problem {
  failure kind = failure::none;
  std::string sentence;
};

/// What is known about a session that has failed.
struct evidence {
  const context& of;
  const channel& through;
  const verification& checks;
  /// What the peer's protocols were refused for, empty when they were not.
  const std::string& protocols;
  bool handshaking = false;
};

/// `error` is OpenSSL's, 0 when the system's in `through` is what happened.
problem explain_failure(unsigned long error, const evidence& known);

}  // namespace weft::tls
