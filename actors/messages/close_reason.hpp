// Why a connection ended.
#pragma once

#include <cstdint>
#include <string_view>

#include "proto/foreign.hpp"

namespace weft {

enum class close_reason : std::uint8_t {
  end_of_stream,
  reset,
  framing_error,
  speaks_http,
  speaks_tls,
  speaks_ssh,
  speaks_something_else,
  frame_timeout,
  unfinished_frames,
  write_deadline,
  output_budget,
  heartbeat_lost,
  idle,
  finished,
  failed,
  shutdown,
};
std::string_view to_string(close_reason) noexcept;
/// For a stream whose first bytes are no frame.
close_reason reason_of(proto::foreign) noexcept;

}  // namespace weft
