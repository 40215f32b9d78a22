#include "node/config/tls_files.hpp"

#include <algorithm>
#include <utility>

#include "actors/tls/identity_files.hpp"

namespace weft {
namespace {

bool speaks_tls(const program_options& options) {
  const auto& files = options.tls;
  return !files.certificate.empty() || !files.key.empty() || !files.authorities.empty() ||
         std::ranges::any_of(options.node.listen, &net_address::tls) ||
         std::ranges::any_of(options.node.mesh.peers,
                             [](const std::string& peer) { return peer.contains("tls://"); });
}

tls::client_auth auth_of(const std::string& word) {
  if (word == "required") return tls::client_auth::required;
  return word == "optional" ? tls::client_auth::optional : tls::client_auth::off;
}

}  // namespace

std::string load_tls_files(program_options& options) {
  if (!speaks_tls(options)) return {};
  const auto& files = options.tls;
  auto loaded = tls::identity_files::load({.paths = {files.certificate, files.key, files.authorities},
                                           .shared = {.tls_1_2 = files.min_version == "1.2",
                                                      .clients = auth_of(files.client_auth),
                                                      .client_auth_name = "tls.client_auth",
                                                      .authorities_name = "tls.ca",
                                                      .certificate_names = "tls.cert and tls.key"}});
  if (!loaded) return "TLS: " + loaded.error();
  options.node.tls.identity = std::move(*loaded);
  options.node.tls.check_peer_names = files.check_peer_names == "yes";
  return {};
}

}  // namespace weft
