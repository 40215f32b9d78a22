// Owners of OpenSSL's objects. For the .cpp files of this folder and tests: other headers only name the
// types.
#pragma once

#include <memory>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace weft::tls {

template <auto Free>
struct released_by {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using bio_ptr = std::unique_ptr<BIO, released_by<BIO_free_all>>;
using ssl_ptr = std::unique_ptr<SSL, released_by<SSL_free>>;
using ssl_ctx_ptr = std::unique_ptr<SSL_CTX, released_by<SSL_CTX_free>>;
using ssl_session_ptr = std::unique_ptr<SSL_SESSION, released_by<SSL_SESSION_free>>;
using x509_ptr = std::unique_ptr<X509, released_by<X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, released_by<EVP_PKEY_free>>;
using general_names_ptr = std::unique_ptr<GENERAL_NAMES, released_by<GENERAL_NAMES_free>>;

}  // namespace weft::tls
