#include "actors/tls/verification.hpp"

#include <exception>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "actors/tls/handles.hpp"

namespace weft::tls {
namespace {

/// "the certificate of b.example", or of the authority that signed it.
std::string title(const X509& certificate, int depth) {
  if (depth == 0) return fmt::format("the certificate of {}", short_name(certificate));
  return fmt::format("the certificate of the authority {}", subject_of(certificate));
}

std::string expired(const X509& certificate, int depth) {
  return fmt::format("{} expired on {}", title(certificate, depth), date_text(valid_until(certificate)));
}

std::string no_match(const X509& certificate, std::string_view host) {
  const auto names = names_of(certificate);
  if (!names.empty())
    return fmt::format("no SAN matches {}; the certificate has {}", shown(host), list_of(names));
  return fmt::format("no SAN matches {}; the certificate of {} has none, and a common name does not count",
                     shown(host), subject_of(certificate));
}

std::string not_demanded(const X509& certificate, const verification& about) {
  return fmt::format("no SAN is {}, which is demanded of the peer; the certificate has {}",
                     fmt::join(about.demanded, " or "), list_of(names_of(certificate)));
}

std::string explain(int error, int depth, const X509* certificate, const verification& about) {
  if (certificate == nullptr) return X509_verify_cert_error_string(error);
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return expired(*certificate, depth);
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fmt::format("{} is not valid before {}; check the clocks of both machines",
                         title(*certificate, depth), date_text(valid_from(*certificate)));
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return no_match(*certificate, about.host);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return fmt::format("{} is signed by an unknown authority (issuer {}); {} names the bundle",
                         title(*certificate, depth), issuer_of(*certificate), about.authorities_name);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return fmt::format("{} is signed by itself (issuer {}); {} names the bundle of those to trust",
                         title(*certificate, depth), issuer_of(*certificate), about.authorities_name);
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return fmt::format(
          "{} was not signed by the authority of that name that is known here (issuer {}); {} names "
          "the bundle",
          title(*certificate, depth), issuer_of(*certificate), about.authorities_name);
    case X509_V_ERR_INVALID_PURPOSE:
      if (depth == 0) {
        return fmt::format("{} is not meant for a {}; its extended key usage must have {}",
                           title(*certificate, depth), about.of_server ? "server" : "client",
                           about.of_server ? "serverAuth" : "clientAuth");
      }
      break;
    default:
      break;
  }
  return fmt::format("{} cannot be used: {}", title(*certificate, depth),
                     X509_verify_cert_error_string(error));
}

}  // namespace

int verify_step(int ok, X509_STORE_CTX* step, verification& about) noexcept {
  try {
    const int depth = X509_STORE_CTX_get_error_depth(step);
    const X509* certificate = X509_STORE_CTX_get_current_cert(step);
    if (ok == 0) {
      if (about.complaint.empty())
        about.complaint = explain(X509_STORE_CTX_get_error(step), depth, certificate, about);
      return 0;
    }
    if (depth > 0 || about.demanded.empty() || certificate == nullptr ||
        any_of(names_of(*certificate), about.demanded))
      return 1;
    about.complaint = not_demanded(*certificate, about);
    X509_STORE_CTX_set_error(step, X509_V_ERR_HOSTNAME_MISMATCH);
    return 0;
  } catch (const std::exception&) {
    X509_STORE_CTX_set_error(step, X509_V_ERR_OUT_OF_MEM);
    return 0;
  }
}

std::string check_resumed(const X509& certificate, const verification& about, time_point now) {
  if (valid_until(certificate) < now) return expired(certificate, 0);
  if (!about.demanded.empty() && !any_of(names_of(certificate), about.demanded))
    return not_demanded(certificate, about);
  return {};
}

}  // namespace weft::tls
