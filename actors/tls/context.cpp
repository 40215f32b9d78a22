#include "actors/tls/context.hpp"

#include <array>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "actors/tls/library_errors.hpp"
#include "actors/tls/material.hpp"
#include "actors/tls/session_callbacks.hpp"

namespace weft::tls {
namespace {

/// How long a session can be resumed. A certificate that was taken back opens no new session meanwhile.
constexpr long session_seconds = 3600;
/// A client of more destinations than that resumes some of them anew.
constexpr std::size_t max_kept_sessions = 4096;
/// OpenSSL's default; longer chains are somebody's joke.
constexpr int max_chain = 100;
/// Names of authorities that a server tells its clients, so that they choose a certificate. With a system's
/// bundle the list would not fit into a record.
constexpr std::size_t max_announced_authorities = 64;

constexpr const char* groups = "X25519:P-256:P-384";
/// The ciphers of TLS 1.2; all of TLS 1.3 are as good.
constexpr const char* ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

std::string failed(std::string_view what) {
  return fmt::format("{}: {}", what, reason_text(ERR_peek_last_error()));
}

/// As the extension has it: each with its length before it.
std::string wire_form(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const auto& each : protocols) {
    wire += static_cast<char>(each.size());
    wire += each;
  }
  return wire;
}

/// Texts as large as these keys come from a peer's names only.
using kept_sessions = std::unordered_map<std::string, ssl_session_ptr>;

}  // namespace

struct context::shared_state {
  ssl_ctx_ptr native;
  std::mutex mutex;
  kept_sessions sessions;
};

context::context(bool server, context_options options)
    : server_(server), options_(std::move(options)), state_(std::make_unique<shared_state>()) {}

context::~context() = default;

std::expected<std::shared_ptr<const context>, std::string> context::make_server(const material& from,
                                                                                context_options options) {
  if (!from.certificate)
    return std::unexpected("a TLS server needs a certificate and its key; name their files");
  if (options.clients != client_auth::off && from.authorities.empty()) {
    return std::unexpected(
        fmt::format("{} asks clients for certificates, but nobody is named who signs them; {} "
                    "names the bundle",
                    options.client_auth_name, options.authorities_name));
  }
  std::shared_ptr<context> made(new context(true, std::move(options)));
  if (auto wrong = made->apply(from); !wrong.empty()) return std::unexpected(std::move(wrong));
  return made;
}

std::expected<std::shared_ptr<const context>, std::string> context::make_client(const material& from,
                                                                                context_options options) {
  std::shared_ptr<context> made(new context(false, std::move(options)));
  if (auto wrong = made->apply(from); !wrong.empty()) return std::unexpected(std::move(wrong));
  return made;
}

ssl_ctx_st* context::native() const noexcept {
  return state_->native.get();
}

std::string context::apply(const material& from) {
  const clean_errors clean;
  state_->native.reset(SSL_CTX_new(server_ ? TLS_server_method() : TLS_client_method()));
  if (!state_->native) return failed("OpenSSL cannot make a context");
  if (auto wrong = apply_limits(); !wrong.empty()) return wrong;
  if (auto wrong = use_certificate(from); !wrong.empty()) return wrong;
  if (auto wrong = trust(from); !wrong.empty()) return wrong;
  return announce_protocols();
}

std::string context::apply_limits() {
  SSL_CTX* const ctx = native();
  SSL_CTX_set_security_level(ctx, 2);
  if (SSL_CTX_set_min_proto_version(ctx, options_.tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) != 1 || SSL_CTX_set_cipher_list(ctx, ciphers) != 1 ||
      SSL_CTX_set1_groups_list(ctx, groups) != 1)
    return failed("OpenSSL does not know the versions, ciphers or groups");
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // A write may be tried again from another place; thousands of idle connections must not keep 34 KiB each.
  SSL_CTX_set_mode(
      ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
  // One recv(2) for header and contents of a record, and for as many records as there are.
  SSL_CTX_set_read_ahead(ctx, 1);
  SSL_CTX_set_max_early_data(ctx, 0);
  SSL_CTX_set_timeout(ctx, session_seconds);
  if (server_) {
    // Tickets hold what is to be known, so nothing is kept. Without a context of its own a session that has
    // the certificate of a client is not resumed.
    constexpr std::array<unsigned char, 4> id{'w', 'e', 'f', 't'};
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(ctx, id.data(), id.size());
    SSL_CTX_set_num_tickets(ctx, 1);
  } else {
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_new_session);
  }
  return {};
}

std::string context::use_certificate(const material& from) {
  if (!from.certificate) return {};
  SSL_CTX* const ctx = native();
  if (SSL_CTX_use_certificate(ctx, from.certificate.get()) != 1) {
    return fmt::format(
        "the certificate of {} cannot be used: {}; an elliptic curve of 256 bits or RSA of 2048 will do",
        short_name(*from.certificate), reason_text(ERR_peek_last_error()));
  }
  for (const auto& each : from.chain) {
    if (SSL_CTX_add1_chain_cert(ctx, each.get()) != 1)
      return failed("the certificates behind the first cannot be used");
  }
  if (SSL_CTX_use_PrivateKey(ctx, from.key.get()) != 1) return failed("the private key cannot be used");
  own_names_ = names_of(*from.certificate);
  expires_ = valid_until(*from.certificate);
  return {};
}

std::string context::trust(const material& from) {
  SSL_CTX* const ctx = native();
  X509_STORE* const store = SSL_CTX_get_cert_store(ctx);
  for (const auto& each : from.authorities) {
    if (X509_STORE_add_cert(store, each.get()) != 1) return failed("an authority cannot be used");
    if (server_ && from.authorities.size() <= max_announced_authorities)
      SSL_CTX_add_client_CA(ctx, each.get());
  }
  if (from.authorities.empty() && !server_ && SSL_CTX_set_default_verify_paths(ctx) != 1)
    return failed("the authorities that the system trusts cannot be read");
  // Only one that is named: an intermediate of the bundle is trusted as a root is.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
  SSL_CTX_set_verify_depth(ctx, max_chain);
  int mode = SSL_VERIFY_PEER;
  if (server_ && options_.clients == client_auth::off) mode = SSL_VERIFY_NONE;
  if (server_ && options_.clients == client_auth::required) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(ctx, mode, on_verify);
  return {};
}

std::string context::announce_protocols() {
  if (server_) {
    SSL_CTX_set_alpn_select_cb(native(), on_protocols_offered, nullptr);
    return {};
  }
  const auto wire = wire_form(options_.protocols);
  // Unlike its neighbours it returns 0 when all went well.
  if (SSL_CTX_set_alpn_protos(native(), reinterpret_cast<const unsigned char*>(wire.data()),
                              static_cast<unsigned>(wire.size())) != 0)
    return failed(fmt::format("{} cannot be offered as protocols", fmt::join(options_.protocols, ", ")));
  return {};
}

void context::keep_session(const std::string& key, ssl_session_st* owned) const {
  ssl_session_ptr session(owned);
  const std::lock_guard lock(state_->mutex);
  auto& kept = state_->sessions;
  if (kept.size() >= max_kept_sessions && !kept.contains(key)) kept.erase(kept.begin());
  kept.insert_or_assign(key, std::move(session));
}

void context::resume_session(const std::string& key, ssl_st* connection) const {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->sessions.find(key);
  if (found != state_->sessions.end()) SSL_set_session(connection, found->second.get());
}

void context::forget_session(const std::string& key) const {
  const std::lock_guard lock(state_->mutex);
  state_->sessions.erase(key);
}

}  // namespace weft::tls
