// Files of a certificate, its key and the authorities, read again when they change: new connections get what
// is new, those that are open stay as they are, and files that are broken change nothing.
//
//     auto files = identity_files::load({.paths = {"node.pem", "node.key", "ca.pem"}});
//     …
//     if (files->changed()) log(files->reload());   // and on SIGHUP without asking
//
// Ownership: whoever holds a context keeps it, whatever is loaded later. Thread safety: `server`, `client`
// and `expires` from any thread; `changed` and `reload` from one, since they read files and so may block: no
// reactor.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/files/file_stamp.hpp"
#include "actors/tls/context.hpp"
#include "actors/tls/material.hpp"

namespace weft::tls {

struct identity_options {
  file_paths paths;
  context_options shared;
};

class identity_files {
 public:
  static std::expected<std::unique_ptr<identity_files>, std::string> load(identity_options options);

  /// For connections that are accepted; null without a certificate.
  std::shared_ptr<const context> server() const;
  /// For connections that are dialled.
  std::shared_ptr<const context> client() const;
  /// When the certificate in use expires; the epoch without one.
  time_point expires() const;

  /// Whether a file is another one than `load` or `reload` found, whatever that made of it: its time, size or
  /// place on the disk, behind all links. A few calls of stat(2).
  bool changed() const;
  /// Reads all files. The sentence says what is new and is empty when nothing is; the error, what is wrong,
  /// and that the old ones stay.
  std::expected<std::string, std::string> reload();

 private:
  struct loaded {
    std::shared_ptr<const context> server;
    std::shared_ptr<const context> client;
    /// SHA-256 of the certificates, and of the authorities.
    std::string certificate;
    std::string authorities;
    std::string shown_name;
  };

  explicit identity_files(identity_options options) : options_(std::move(options)) {}

  std::vector<file_stamp> stamps() const;
  std::expected<loaded, std::string> read() const;
  static std::string difference(const loaded& before, const loaded& after);

  const identity_options options_;
  std::vector<file_stamp> seen_;
  mutable std::mutex mutex_;
  loaded current_;
};

}  // namespace weft::tls
