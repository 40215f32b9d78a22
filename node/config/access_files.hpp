// The files behind `auth.tokens_file`, `auth.peer_token_file` and the options of TLS, read again when they
// change: what is right takes effect, what is not is told and changes nothing.
//
// Thread safety: every function from any thread; the functions that it was given are called by whoever asks.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include <spdlog/logger.h>

#include "actors/access/access_policy.hpp"
#include "actors/files/file_stamp.hpp"
#include "actors/tls/identity_files.hpp"
#include "node/config/program_options.hpp"

namespace weft {

struct access_targets {
  std::function<void(const std::shared_ptr<const access_policy>&)> policy;
  std::function<void(const std::string&)> peer_token;
};

class access_files {
 public:
  /// `options` are as `load_auth_files` and `load_tls_files` have left them.
  access_files(const program_options& options, access_targets targets, std::shared_ptr<spdlog::logger> log);

  bool any() const noexcept { return !tokens_.path.empty() || !peer_token_.path.empty() || certificates_; }
  /// Reads what has changed since the last time.
  void look();
  /// Reads all, whatever has changed; says so.
  void reread();

  struct counts {
    std::uint64_t taken = 0;
    std::uint64_t refused = 0;
  };
  /// When the node's certificate expires, in seconds since the epoch; 0 without one.
  std::int64_t certificate_expires() const;
  counts counted() const noexcept { return {taken_.load(), refused_.load()}; }
  /// Who may do what by what was read last.
  std::shared_ptr<const access_policy> policy() const;

 private:
  struct watched {
    std::string path;
    file_stamp seen{};
  };

  void read_tokens();
  void read_peer_token();
  void read_certificates();
  void taken(const char* option, const watched& file);
  void refused(const char* option, const std::string& why);

  mutable std::mutex mutex_;
  watched tokens_;
  watched peer_token_;
  /// Null without TLS. What it has read is in force by itself.
  std::shared_ptr<tls::identity_files> certificates_;
  std::shared_ptr<const access_policy> policy_;
  access_targets targets_;
  std::shared_ptr<spdlog::logger> log_;
  std::atomic<std::uint64_t> taken_{0};
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace weft
