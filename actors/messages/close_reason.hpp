// Why a connection ended.
#pragma once

#include <cstdint>
#include <string_view>

#include "proto/foreign.hpp"

namespace weft {

enum class close_reason : std::uint8_t {
#define WEFT_CLOSE_REASON(name, text) name,
#include "actors/messages/close_reasons.inc"
#undef WEFT_CLOSE_REASON
};
std::string_view to_string(close_reason) noexcept;
/// For a stream whose first bytes are no frame.
close_reason reason_of(proto::foreign) noexcept;

}  // namespace weft
