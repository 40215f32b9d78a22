// What all TLS connections of a kind share: versions and ciphers, ALPN, the certificate, whom to trust, and
// sessions to resume.
//
// TLS 1.3, by option also 1.2 with ECDHE and AEAD ciphers only; no renegotiation, no compression, no early
// data. A server gives out tickets and keeps nothing; a client keeps the last session of each destination.
//
// Ownership: shared by its sessions, which keep it alive; a renewed certificate is a new context. Thread
// safety: any thread. Errors: sentences, see material.hpp.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "actors/tls/names.hpp"

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace weft::tls {

struct material;

/// What a server asks of its clients.
enum class client_auth : std::uint8_t {
  /// No certificate; one that is offered is not looked at.
  off,
  /// A client without a certificate is let in, one with a wrong one is not.
  optional,
  required,
};

struct context_options {
  /// Also TLS 1.2.
  bool tls_1_2 = false;
  client_auth clients = client_auth::off;
  /// ALPN. A server refuses clients that offer others only; one that offers none is let in.
  std::vector<std::string> protocols{"weft/1"};
  /// How the messages call the options that set `clients`, name the CA bundle, and a certificate with its
  /// key.
  std::string client_auth_name = "tls.client_auth";
  std::string authorities_name = "--ca";
  std::string certificate_names = "--cert and --key";
};

class context {
 public:
  /// Needs a certificate; and authorities when clients are asked for theirs: those that a system trusts sign
  /// for everybody.
  static std::expected<std::shared_ptr<const context>, std::string> make_server(const material& from,
                                                                                context_options options = {});
  /// Without authorities it trusts those that the system does; without a certificate it presents none.
  static std::expected<std::shared_ptr<const context>, std::string> make_client(const material& from,
                                                                                context_options options = {});
  ~context();
  context(const context&) = delete;
  context& operator=(const context&) = delete;

  bool is_server() const noexcept { return server_; }
  const context_options& options() const noexcept { return options_; }
  /// The names of its own certificate, and when that expires; nothing without one.
  const std::vector<san>& own_names() const noexcept { return own_names_; }
  time_point expires() const noexcept { return expires_; }

  ssl_ctx_st* native() const noexcept;

  /// For sessions of clients: `key` stands for the destination and all that was checked about it.
  void keep_session(const std::string& key, ssl_session_st* owned) const;
  void resume_session(const std::string& key, ssl_st* connection) const;
  void forget_session(const std::string& key) const;

 private:
  struct shared_state;
  context(bool server, context_options options);

  std::string apply(const material& from);
  std::string apply_limits();
  std::string use_certificate(const material& from);
  std::string trust(const material& from);
  std::string announce_protocols();

  bool server_;
  context_options options_;
  std::vector<san> own_names_;
  time_point expires_{};
  std::unique_ptr<shared_state> state_;
};

}  // namespace weft::tls
