// The queue of errors that OpenSSL keeps for each thread: what is left in it would be taken for an error of
// the next call, on another connection.
#pragma once

#include <string>

#include <openssl/err.h>

namespace weft::tls {

/// Empties the queue at both ends of a scope.
class clean_errors {
 public:
  clean_errors() noexcept { ERR_clear_error(); }
  ~clean_errors() { ERR_clear_error(); }
  clean_errors(const clean_errors&) = delete;
  clean_errors& operator=(const clean_errors&) = delete;
};

/// OpenSSL's words for an error, such as "no start line".
inline std::string reason_text(unsigned long error) {
  const char* reason = ERR_reason_error_string(error);
  return reason != nullptr ? reason : "error " + std::to_string(error);
}

}  // namespace weft::tls
