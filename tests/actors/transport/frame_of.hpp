// A frame as it goes over the wire, for tests.
#pragma once

#include <string>
#include <string_view>

#include "proto/frame.hpp"

namespace weft {

inline std::string frame_of(std::string_view payload) {
  std::string frame;
  proto::append_frame(frame, payload);
  return frame;
}

}  // namespace weft
