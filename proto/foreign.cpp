#include "proto/foreign.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace weft::proto {

foreign what_it_speaks(std::string_view first_bytes) noexcept {
  // The content types of TLS's records (RFC 8446, 5.1), then the major version.
  constexpr std::string_view alert_record("\x15\x03", 2);
  constexpr std::string_view handshake_record("\x16\x03", 2);
  // A server's answer, and a client's request (RFC 9110, 9.3; RFC 9113, 3.4).
  constexpr std::array<std::string_view, 9> http{"HTTP", "GET ", "HEAD", "POST", "PUT ",
                                                 "DELE", "OPTI", "TRAC", "PRI "};
  if (std::ranges::any_of(http, [&](auto each) { return first_bytes.starts_with(each); }))
    return foreign::http;
  if (first_bytes.starts_with("SSH-")) return foreign::ssh;
  if (first_bytes.starts_with(alert_record) || first_bytes.starts_with(handshake_record)) return foreign::tls;
  return foreign::unknown;
}

std::string_view explain(foreign found) noexcept {
  switch (found) {
    case foreign::unknown:
      return "speaks something other than framed JSON-RPC; is the port right?";
    case foreign::http:
      return "speaks HTTP; is this the admin port of a node?";
    case foreign::tls:
      return "speaks TLS; is its address tls://HOST:PORT?";
    case foreign::ssh:
      return "speaks SSH; is the port right?";
  }
  std::unreachable();
}

void stream_beginning::add(std::string_view chunk) noexcept {
  for (const char byte : chunk.substr(0, telling_bytes - size_)) bytes_[size_++] = byte;
}

}  // namespace weft::proto
