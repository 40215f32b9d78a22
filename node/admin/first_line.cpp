#include "node/admin/first_line.hpp"

#include <array>
#include <cstdio>
#include <limits>

#include <sys/socket.h>

namespace weft {
namespace {

constexpr std::string_view body =
    "This is the admin port of a weft node. It speaks HTTP; framed JSON-RPC belongs to the data port.\n";

/// What a method may consist of (RFC 9110, 5.6.2), and the empty lines that may precede it.
bool may_begin(char byte) noexcept {
  const bool letter_or_digit =
      (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
  return letter_or_digit || std::string_view("!#$%&'*+-.^_`|~\r\n").contains(byte);
}

}  // namespace

bool may_begin_request(int descriptor) noexcept {
  char first = 0;
  return ::recv(descriptor, &first, 1, MSG_PEEK | MSG_DONTWAIT) != 1 || may_begin(first);
}

void turn_away(int descriptor, std::string_view status) noexcept {
  // Unread input would turn the end into a reset, which may overtake the answer.
  while (::recv(descriptor, nullptr, std::numeric_limits<int>::max(), MSG_TRUNC | MSG_DONTWAIT) > 0) {
  }
  std::array<char, 512> answer;
  const int size = std::snprintf(answer.data(), answer.size(),
                                 "HTTP/1.1 %.*s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                 "Content-Length: %zu\r\nConnection: close\r\n\r\n%.*s",
                                 static_cast<int>(status.size()), status.data(), body.size(),
                                 static_cast<int>(body.size()), body.data());
  ::send(descriptor, answer.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(descriptor, SHUT_RDWR);
}

}  // namespace weft
