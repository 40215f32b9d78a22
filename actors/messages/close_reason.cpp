#include "actors/messages/close_reason.hpp"

#include <utility>

namespace weft {

std::string_view to_string(close_reason reason) noexcept {
  constexpr std::string_view texts[] = {
#define WEFT_CLOSE_REASON(name, text) text,
#include "actors/messages/close_reasons.inc"
#undef WEFT_CLOSE_REASON
  };
  return texts[std::to_underlying(reason)];
}

}  // namespace weft
