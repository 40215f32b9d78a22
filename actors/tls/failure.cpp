#include "actors/tls/failure.hpp"

#include <cstring>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "actors/tls/library_errors.hpp"

namespace weft::tls {
namespace {

constexpr std::string_view no_tls = "the peer does not speak TLS";

/// Whether a stream begins as TLS does: with a record of a handshake or an alert.
bool begins_as_tls(std::string_view bytes) {
  constexpr char alert = 21;
  constexpr char handshake = 22;
  if (bytes.empty()) return true;
  return (bytes[0] == alert || bytes[0] == handshake) && (bytes.size() < 2 || bytes[1] == 3);
}

/// A frame of JSON-RPC has its length in four bytes, and JSON behind them.
bool begins_as_frame(std::string_view bytes) {
  return bytes.size() > 4 && bytes[0] == 0 && (bytes[4] == '{' || bytes[4] == '[');
}

std::string does_not_speak_tls(std::string_view bytes, bool server) {
  if (begins_as_frame(bytes)) {
    return server ? fmt::format("{} (it sent a plain frame); it must dial tls://, or another port", no_tls)
                  : fmt::format("{} (it answered with a plain frame); dial tcp://, or another port", no_tls);
  }
  return fmt::format("{} (it {} \"{}\"); check the port", no_tls, server ? "sent" : "answered", shown(bytes));
}

std::string versions_here(const context& of) {
  return of.options().tls_1_2 ? "TLS 1.2 or 1.3 is needed"
                              : "TLS 1.3 is needed, since 1.2 is not allowed here";
}

std::string own_names(const context& of) {
  return of.own_names().empty() ? "" : fmt::format("; ours has {}", list_of(of.own_names()));
}

/// What an alert of the peer means: RFC 8446, 6.2.
problem explain_alert(int alert, const context& of) {
  const auto ours = [](std::string_view why) {
    return fmt::format("the peer refused our certificate{}", why);
  };
  switch (alert) {
    case SSL_AD_CERTIFICATE_EXPIRED:
      return {
          failure::refused,
          ours(of.expires() == time_point{}
                   ? " as expired"
                   : fmt::format(" as expired or not valid yet; it expires on {}, check the clocks of both "
                                 "machines",
                                 date_text(of.expires())))};
    case SSL_AD_UNKNOWN_CA:
      return {failure::refused,
              ours(": it does not know the authority that signed it; the CA bundle there must "
                   "have it")};
    case SSL_AD_BAD_CERTIFICATE:
      return {
          failure::refused,
          ours(fmt::format(": no SAN is what it demands, or the certificate is damaged{}", own_names(of)))};
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
      return {failure::refused,
              ours(fmt::format(": it is not meant for a {}; its extended key usage must have {}",
                               of.is_server() ? "server" : "client",
                               of.is_server() ? "serverAuth" : "clientAuth"))};
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_CERTIFICATE_REVOKED:
      return {failure::refused, ours("; its log says why")};
    case SSL_AD_CERTIFICATE_REQUIRED:
      return {failure::refused,
              fmt::format("the peer requires a certificate, and none was presented; {} name one",
                          of.options().certificate_names)};
    case SSL_AD_NO_APPLICATION_PROTOCOL:
      return {failure::refused, fmt::format("the peer speaks TLS, but not {}; check the port",
                                            fmt::join(of.options().protocols, " or "))};
    case SSL_AD_PROTOCOL_VERSION:
      return {failure::protocol,
              fmt::format("no version of TLS in common with the peer; {}", versions_here(of))};
    case SSL_AD_HANDSHAKE_FAILURE:
    case SSL_AD_INSUFFICIENT_SECURITY:
      return {failure::refused,
              "the peer refused the handshake: no cipher in common, or it demands a certificate; "
              "its log says why"};
    case SSL_AD_UNRECOGNIZED_NAME:
      return {failure::refused, "the peer does not know the name that was dialled; check the server name"};
    default:
      return {failure::refused, fmt::format("the peer ended the session with the alert {} ({})", alert,
                                            SSL_alert_desc_string_long(alert))};
  }
}

problem explain_ssl(int reason, unsigned long error, const evidence& known) {
  switch (reason) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return {failure::certificate, known.checks.complaint.empty()
                                        ? "the peer's certificate cannot be verified"
                                        : known.checks.complaint};
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return {failure::certificate, fmt::format("the peer has no certificate, and {} is required",
                                                known.of.options().client_auth_name)};
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return {failure::protocol, known.protocols};
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
      return {failure::protocol,
              fmt::format("no version of TLS in common with the peer; {}", versions_here(known.of))};
    case SSL_R_NO_SHARED_CIPHER:
      return {failure::protocol,
              "no cipher in common with the peer; one with ECDHE and AES-GCM or ChaCha20 is "
              "needed"};
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return {failure::connection,
              known.handshaking ? "the peer closed the connection during the handshake; does it speak TLS on "
                                  "this port?"
                                : "the stream ended without the peer's word that it was complete"};
    default:
      return {failure::protocol,
              fmt::format("the TLS {} failed: {}", known.handshaking ? "handshake" : "connection",
                          reason_text(error))};
  }
}

}  // namespace

problem explain_failure(unsigned long error, const evidence& known) {
  if (error == 0) {
    if (known.through.error == 0) return {failure::connection, "the connection ended"};
    return {failure::connection,
            fmt::format("the connection failed: {}", std::strerror(known.through.error))};
  }
  // Whatever OpenSSL makes of what is no TLS.
  if (known.handshaking && !begins_as_tls(known.through.first_bytes()))
    return {failure::foreign, does_not_speak_tls(known.through.first_bytes(), known.of.is_server())};
  if (ERR_GET_LIB(error) != ERR_LIB_SSL)
    return {failure::protocol, fmt::format("the TLS session failed: {}", reason_text(error))};
  const int reason = ERR_GET_REASON(error);
  if (reason >= SSL_AD_REASON_OFFSET) return explain_alert(reason - SSL_AD_REASON_OFFSET, known.of);
  return explain_ssl(reason, error, known);
}

}  // namespace weft::tls
