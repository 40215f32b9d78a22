// May this request be answered, seen from where it comes? A browser on this machine or network runs pages of
// anybody, and they must neither change the node nor read it.
//
// Reading is prevented by the Host header: a name that somebody else controls and lets point at this port
// (DNS rebinding) is refused. Changing is prevented by Origin and Sec-Fetch-Site, which a browser sends and a
// page cannot forge
// (https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "node/admin/http.hpp"

namespace weft {

/// Is `host`, a Host header with or without a port, one that only this machine's operators give out: an
/// address, a name without a dot, one below localhost, .local, .internal or .svc, this machine's own name, or
/// one of `allowed`?
bool is_own_host(std::string_view host, std::span<const std::string> allowed);

/// The answer to a request that is refused: 403 or 421 with the reason.
std::optional<http_response> check_origin(const http_request& request, std::span<const std::string> allowed);

}  // namespace weft
