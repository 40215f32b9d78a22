#include "actors/router/call.hpp"

namespace weft {

call::call() {
  for (auto& a : attempts) a.of = this;
  attempts[1].which = 1;
}

void call::reset() {
  from = origin::none;
  notification = cancelled = left_behind = false;
  raw_id.clear();
  group = nullptr;
  charged = nullptr;
  waiter = nullptr;
  peer_called.clear();
  method.clear();
  request.clear();
  spans = {};
  route_key.clear();
  local_only = in_process = may_have_run = false;
  running = handler::none;
  context.reset();
  tried.clear();
  if (stream) stream.reset();
  paused = pause::none;
  local = nullptr;
  stats = nullptr;
  if (trace.known) trace = {};
}

}  // namespace weft
