#include "actors/tls/session.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <new>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "actors/tls/descriptor_bio.hpp"
#include "actors/tls/failure.hpp"
#include "actors/tls/handles.hpp"
#include "actors/tls/library_errors.hpp"
#include "actors/tls/session_callbacks.hpp"
#include "actors/tls/verification.hpp"

namespace weft::tls {

struct session::state {
  std::shared_ptr<const context> of;
  channel through;
  verification checks;
  /// Stands for the destination and all that is checked about it; empty for servers.
  std::string resume_key;
  /// What the peer's protocols were refused for.
  std::string protocols_refused;
  /// How the stream ended, as the last read said that it has; it stays so.
  progress read_end = progress::done;
  /// The end was told twice: who reads until nothing more comes may have found it behind what came last.
  bool end_repeated = false;
  bool handshaking = true;
  bool failed = false;
  /// The last read found nothing more.
  bool drained = false;
  /// The peer has been told that nothing more will be sent.
  bool told_end = false;
  /// OpenSSL holds a record that the socket did not take yet.
  bool write_unfinished = false;
  failure cause = failure::none;
  std::string error;
  std::vector<san> peer_names;
  std::string peer_subject;
  std::optional<time_point> peer_expires;
  /// Last, so that it goes before what its callbacks use.
  ssl_ptr ssl;

  progress outcome(int result);
  progress fail(problem why);
  progress take_error();
  void demand(const dialled& to);
  progress finish_handshake();
  void learn_peer(const X509& certificate);
  void hear_why();
};

namespace {

/// A name without the dot of the root, which no certificate has.
std::string without_root(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return std::string(name);
}

}  // namespace

struct callbacks {
  static session::state* state_of(const SSL* ssl) {
    return static_cast<session::state*>(SSL_get_app_data(ssl));
  }
};

int on_verify(int ok, X509_STORE_CTX* step) noexcept {
  const auto* ssl =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(step, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* const about = ssl != nullptr ? callbacks::state_of(ssl) : nullptr;
  return about != nullptr ? verify_step(ok, step, about->checks) : 0;
}

int on_new_session(SSL* connection, SSL_SESSION* made) noexcept {
  const auto* about = callbacks::state_of(connection);
  if (about == nullptr || about->resume_key.empty() || SSL_SESSION_is_resumable(made) != 1) return 0;
  // Resumed later, it remembers who the peer was: what this connection checked must have succeeded.
  if (SSL_get_verify_result(connection) != X509_V_OK) return 0;
  try {
    // OpenSSL's reference becomes ours, also when this throws: it is the first that is done with it.
    about->of->keep_session(about->resume_key, made);
    return 1;
  } catch (const std::exception&) {
    // The next connection makes a full handshake.
    return 1;
  }
}

int on_protocols_offered(SSL* connection, const unsigned char** chosen, unsigned char* chosen_size,
                         const unsigned char* offered, unsigned offered_size, void*) noexcept {
  auto* const about = callbacks::state_of(connection);
  if (about == nullptr) return SSL_TLSEXT_ERR_ALERT_FATAL;
  try {
    std::vector<std::string_view> names;
    for (std::string_view rest(reinterpret_cast<const char*>(offered), offered_size); !rest.empty();) {
      const auto size = static_cast<unsigned char>(rest.front());
      names.push_back(rest.substr(1, size));
      rest.remove_prefix(std::min<std::size_t>(1 + names.back().size(), rest.size()));
    }
    for (const auto& ours : about->of->options().protocols) {
      for (const auto theirs : names) {
        if (ours != theirs) continue;
        *chosen = reinterpret_cast<const unsigned char*>(theirs.data());
        *chosen_size = static_cast<unsigned char>(theirs.size());
        return SSL_TLSEXT_ERR_OK;
      }
    }
    about->protocols_refused = fmt::format(
        "the peer offers {} (ALPN), not {}; is it dialling the right port?",
        shown(fmt::format("{}", fmt::join(names, ", "))), fmt::join(about->of->options().protocols, " or "));
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  } catch (const std::exception&) {
    // Refused without a sentence.
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
}

session::session(std::unique_ptr<state> made) : state_(std::move(made)) {
  const clean_errors clean;
  state& mine = *state_;
  mine.ssl.reset(SSL_new(mine.of->native()));
  bio_ptr bio = make_descriptor_bio(mine.through);
  if (!mine.ssl || !bio || SSL_set_app_data(mine.ssl.get(), &mine) != 1) throw std::bad_alloc();
  // Both directions are one BIO, of which it takes one reference.
  BIO* const both = bio.release();
  SSL_set_bio(mine.ssl.get(), both, both);
  mine.checks.authorities_name = mine.of->options().authorities_name;
}

session::session(session&&) noexcept = default;
session& session::operator=(session&&) noexcept = default;
session::~session() {
  if (!state_) return;
  const clean_errors clean;
  state_->ssl.reset();
}

session session::accept(std::shared_ptr<const context> server, int descriptor,
                        std::vector<std::string> demanded) {
  auto made = std::make_unique<state>();
  made->of = std::move(server);
  made->through.descriptor = descriptor;
  made->checks.demanded = std::move(demanded);
  session accepted(std::move(made));
  SSL_set_accept_state(accepted.state_->ssl.get());
  return accepted;
}

session session::connect(std::shared_ptr<const context> client, int descriptor, const dialled& to) {
  auto made = std::make_unique<state>();
  made->of = std::move(client);
  made->through.descriptor = descriptor;
  session connected(std::move(made));
  const clean_errors clean;
  SSL_set_connect_state(connected.state_->ssl.get());
  connected.state_->demand(to);
  return connected;
}

void session::state::demand(const dialled& to) {
  const auto host = without_root(to.server_name);
  const bool address = name_from(host).kind == name_kind::ip;
  checks.of_server = true;
  checks.demanded = to.demanded;
  if (to.check_server_name || to.demanded.empty()) {
    checks.host = host;
    X509_VERIFY_PARAM* const param = SSL_get0_param(ssl.get());
    X509_VERIFY_PARAM_set_hostflags(
        param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    // An empty name would switch the check off.
    const bool set =
        !host.empty() && (address ? X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str()) == 1
                                  : X509_VERIFY_PARAM_set1_host(param, host.c_str(), host.size()) == 1);
    if (!set) {
      fail({failure::certificate,
            fmt::format("no certificate can be checked against the name \"{}\"; name a host", shown(host))});
      return;
    }
  }
  if (!address && !host.empty() && SSL_set_tlsext_host_name(ssl.get(), host.c_str()) != 1) {
    fail({failure::protocol, fmt::format("\"{}\" is no server name", shown(host))});
    return;
  }
  resume_key =
      fmt::format("{} {} {} {}", to.destination, host, to.check_server_name, fmt::join(to.demanded, " "));
  of->resume_session(resume_key, ssl.get());
}

progress session::state::fail(problem why) {
  failed = true;
  cause = why.kind;
  error = std::move(why.sentence);
  return progress::failed;
}

progress session::state::take_error() {
  const auto code = ERR_peek_last_error();
  auto why = explain_failure(code, {*of, through, checks, protocols_refused, handshaking});
  if (handshaking && !resume_key.empty()) of->forget_session(resume_key);
  const bool cut = !handshaking && ERR_GET_LIB(code) == ERR_LIB_SSL &&
                   ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
  fail(std::move(why));
  return cut ? progress::truncated : progress::failed;
}

/// What a call of OpenSSL that returned `result` means.
progress session::state::outcome(int result) {
  switch (SSL_get_error(ssl.get(), result)) {
    case SSL_ERROR_NONE:
      return progress::done;
    case SSL_ERROR_WANT_READ:
      return progress::wants_read;
    case SSL_ERROR_WANT_WRITE:
      return progress::wants_write;
    case SSL_ERROR_ZERO_RETURN:
      return progress::closed;
    default:
      return take_error();
  }
}

progress session::handshake() {
  state& mine = *state_;
  if (mine.failed) return progress::failed;
  if (!mine.handshaking) return progress::done;
  const clean_errors clean;
  const auto result = mine.outcome(SSL_do_handshake(mine.ssl.get()));
  if (result == progress::done) return mine.finish_handshake();
  if (result != progress::closed) return result;
  return mine.fail({failure::connection, "the peer ended the session during the handshake"});
}

progress session::state::finish_handshake() {
  const X509* const certificate = SSL_get0_peer_certificate(ssl.get());
  // A server that asks nobody has not verified what it may have got.
  if (certificate != nullptr && SSL_get_verify_mode(ssl.get()) != SSL_VERIFY_NONE) {
    if (SSL_session_reused(ssl.get()) == 1) {
      auto wrong = check_resumed(*certificate, checks, std::chrono::system_clock::now());
      if (!wrong.empty()) {
        if (!resume_key.empty()) of->forget_session(resume_key);
        return fail({failure::certificate, std::move(wrong)});
      }
    }
    learn_peer(*certificate);
  }
  handshaking = false;
  return progress::done;
}

void session::state::learn_peer(const X509& certificate) {
  peer_names = names_of(certificate);
  peer_subject = subject_of(certificate);
  peer_expires = valid_until(certificate);
}

transfer session::read(std::span<char> into) {
  state& mine = *state_;
  if (mine.read_end != progress::done) {
    mine.end_repeated = true;
    return {mine.read_end};
  }
  if (mine.failed || mine.handshaking) return {progress::failed};
  if (into.empty()) return {};
  const clean_errors clean;
  std::size_t count = 0;
  const int result = SSL_read_ex(mine.ssl.get(), into.data(), into.size(), &count);
  if (result == 1) {
    mine.drained = false;
    return {progress::done, count};
  }
  const auto what = mine.outcome(result);
  mine.drained = true;
  if (what == progress::closed || what == progress::truncated || what == progress::failed)
    mine.read_end = what;
  return {what};
}

transfer session::write(std::span<const char> from) {
  state& mine = *state_;
  if (mine.failed || mine.handshaking) return {progress::failed};
  const clean_errors clean;
  std::size_t taken = 0;
  while (taken < from.size()) {
    std::size_t count = 0;
    const int result = SSL_write_ex(mine.ssl.get(), from.data() + taken, from.size() - taken, &count);
    if (result == 1) {
      taken += count;
      continue;
    }
    auto what = mine.outcome(result);
    mine.write_unfinished = true;
    if (what == progress::failed) mine.hear_why();
    if (what == progress::closed) what = progress::failed;
    return {what, taken};
  }
  mine.write_unfinished = false;
  return {progress::done, taken};
}

/// A peer that cuts the connection has often said why: with TLS 1.3 a client learns only after the handshake
/// that its certificate was refused.
void session::state::hear_why() {
  if (through.error != EPIPE && through.error != ECONNRESET) return;
  ERR_clear_error();
  char byte = 0;
  std::size_t count = 0;
  if (SSL_read_ex(ssl.get(), &byte, 1, &count) == 1) return;
  const auto code = ERR_peek_last_error();
  if (ERR_GET_LIB(code) != ERR_LIB_SSL || ERR_GET_REASON(code) < SSL_AD_REASON_OFFSET) return;
  fail(explain_failure(code, {*of, through, checks, protocols_refused, handshaking}));
}

bool session::pending() const {
  const state& mine = *state_;
  if (mine.read_end != progress::done) return !mine.end_repeated;
  return !mine.failed && !mine.handshaking && !mine.drained && SSL_has_pending(mine.ssl.get()) == 1;
}

progress session::shutdown() {
  state& mine = *state_;
  if (mine.failed || mine.handshaking || mine.told_end || mine.write_unfinished) return progress::done;
  const clean_errors clean;
  const int result = SSL_shutdown(mine.ssl.get());
  if (result < 0) return mine.outcome(result);
  mine.told_end = true;
  return progress::done;
}

const std::string& session::error() const noexcept {
  return state_->error;
}

failure session::cause() const noexcept {
  return state_->cause;
}

const std::vector<san>& session::peer_names() const noexcept {
  return state_->peer_names;
}

const std::string& session::peer_subject() const noexcept {
  return state_->peer_subject;
}

std::optional<time_point> session::peer_expires() const noexcept {
  return state_->peer_expires;
}

std::string_view session::version() const {
  return SSL_get_version(state_->ssl.get());
}

std::string_view session::cipher() const {
  const char* name = SSL_get_cipher_name(state_->ssl.get());
  return name != nullptr ? name : "";
}

std::string_view session::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(state_->ssl.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

bool session::resumed() const {
  return SSL_session_reused(state_->ssl.get()) == 1;
}

}  // namespace weft::tls
