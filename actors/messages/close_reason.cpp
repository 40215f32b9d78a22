#include "actors/messages/close_reason.hpp"

#include <utility>

namespace weft {

std::string_view to_string(close_reason reason) noexcept {
  const std::string_view texts[] = {
#define WEFT_CLOSE_REASON(name, text) text,
#include "actors/messages/close_reasons.inc"
#undef WEFT_CLOSE_REASON
  };
  return texts[std::to_underlying(reason)];
}

close_reason reason_of(proto::foreign found) noexcept {
  switch (found) {
    case proto::foreign::http:
      return close_reason::speaks_http;
    case proto::foreign::tls:
      return close_reason::speaks_tls;
    case proto::foreign::ssh:
      return close_reason::speaks_ssh;
    case proto::foreign::unknown:
      break;
  }
  return close_reason::speaks_something_else;
}

}  // namespace weft
