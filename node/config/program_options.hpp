// Everything that `weft node` can be told: the node's own options and the program's.
#pragma once

#include <string>

#include "actors/config/options.hpp"
#include "node/logging/log.hpp"

namespace weft {

/// Files that hold secrets; empty for none.
struct auth_files {
  std::string tokens;
  std::string peer_token;
};

struct tls_files {
  std::string certificate;
  std::string key;
  std::string authorities;
  /// "off", "optional" or "required".
  std::string client_auth = "off";
  /// "1.3" or "1.2".
  std::string min_version = "1.3";
  /// "yes" or "no"; no flag, for its absence could not say no.
  std::string check_peer_names = "yes";
};

struct program_options {
  node_options node;
  log_options log;
  auth_files auth;
  tls_files tls;
};

}  // namespace weft
