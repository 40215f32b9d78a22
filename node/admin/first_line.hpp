// Whoever comes to the admin port without HTTP: a client of the data port, or somebody who says nothing. They
// are answered in HTTP all the same, so that they see what they have found; the library would wait for the
// end of a line and then close without a word.
//
// Thread safety: functions without state. The descriptors are non-blocking sockets and stay open.
#pragma once

#include <string_view>

namespace weft {

inline constexpr std::string_view bad_request = "400 Bad Request";
inline constexpr std::string_view request_timeout = "408 Request Timeout";

/// Looks at what has arrived and leaves it there; false when no request of HTTP begins so.
bool may_begin_request(int descriptor) noexcept;

/// Answers with this status as far as the socket takes it at once, and ends the connection in both
/// directions.
void turn_away(int descriptor, std::string_view status) noexcept;

}  // namespace weft
