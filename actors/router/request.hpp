// One request or notification while it is looked at: on the stack of whoever handles it.
#pragma once

#include <string_view>

#include "actors/coro/executor.hpp"
#include "actors/router/answers.hpp"
#include "actors/telemetry/call_record.hpp"
#include "proto/envelope.hpp"

namespace weft {

struct request {
  connection_entry& from;
  const proto::envelope& message;
  /// The method's name, without escapes.
  std::string_view name;
  answer_target target;
  coro::clock::time_point received;
  coro::clock::duration deadline{};
  call_trace trace{};
};

}  // namespace weft
