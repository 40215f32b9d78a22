#include "node/config/access_files.hpp"

#include <utility>

#include <spdlog/spdlog.h>

#include "node/config/tokens_file.hpp"
#include "node/process/file_text.hpp"

namespace weft {

access_files::access_files(const program_options& options, access_targets targets,
                           std::shared_ptr<spdlog::logger> log)
    : tokens_{options.auth.tokens, stamp_of(options.auth.tokens)},
      peer_token_{options.auth.peer_token, stamp_of(options.auth.peer_token)},
      certificates_(options.node.tls.identity),
      policy_(options.node.auth.policy),
      targets_(std::move(targets)),
      log_(std::move(log)) {}

std::shared_ptr<const access_policy> access_files::policy() const {
  const std::lock_guard lock(mutex_);
  return policy_;
}

void access_files::look() {
  const std::lock_guard lock(mutex_);
  if (!tokens_.path.empty() && stamp_of(tokens_.path) != tokens_.seen) read_tokens();
  if (!peer_token_.path.empty() && stamp_of(peer_token_.path) != peer_token_.seen) read_peer_token();
  if (certificates_ && certificates_->changed()) read_certificates();
}

void access_files::reread() {
  const std::lock_guard lock(mutex_);
  if (!tokens_.path.empty()) read_tokens();
  if (!peer_token_.path.empty()) read_peer_token();
  if (certificates_) read_certificates();
}

// The stamp first: what changes while it is read is read once more.
void access_files::read_tokens() {
  tokens_.seen = stamp_of(tokens_.path);
  auto read = read_tokens_file(tokens_.path);
  if (!read) {
    for (const auto& complaint : read.error()) refused("auth.tokens_file", complaint);
    return;
  }
  policy_ = *std::move(read);
  targets_.policy(policy_);
  taken("auth.tokens_file", tokens_);
}

void access_files::read_peer_token() {
  peer_token_.seen = stamp_of(peer_token_.path);
  const auto token = read_token_file(peer_token_.path);
  if (!token) return refused("auth.peer_token_file", "auth.peer_token_file: " + token.error());
  targets_.peer_token(*token);
  taken("auth.peer_token_file", peer_token_);
}

void access_files::read_certificates() {
  const auto change = certificates_->reload();
  if (!change) {
    ++refused_;
    log_->error("TLS: {}", change.error());
  } else if (!change->empty()) {
    ++taken_;
    log_->info("TLS: new connections get {}", *change);
  }
}

std::int64_t access_files::certificate_expires() const {
  if (!certificates_) return 0;
  return std::chrono::duration_cast<std::chrono::seconds>(certificates_->expires().time_since_epoch())
      .count();
}

void access_files::taken(const char* option, const watched& file) {
  ++taken_;
  log_->info("{} \"{}\" was read again and is in force", option, file.path);
}

void access_files::refused(const char* option, const std::string& why) {
  ++refused_;
  log_->error("{} stays as it was: {}", option, why);
}

}  // namespace weft
