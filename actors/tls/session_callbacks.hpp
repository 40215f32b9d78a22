// What OpenSSL calls while a session is at work; implemented beside it, set up by its context. None throws.
#pragma once

#include <openssl/ssl.h>

namespace weft::tls {

int on_verify(int ok, X509_STORE_CTX* step) noexcept;
int on_new_session(SSL* connection, SSL_SESSION* made) noexcept;
int on_protocols_offered(SSL* connection, const unsigned char** chosen, unsigned char* chosen_size,
                         const unsigned char* offered, unsigned offered_size, void*) noexcept;

}  // namespace weft::tls
