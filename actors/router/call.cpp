#include "actors/router/call.hpp"

namespace weft {

void call::reset() {
  from = origin::none;
  paused = pause::none;
  caller.raw_id.clear();
  caller.notification = caller.cancelled = caller.left_behind = false;
  caller.group = nullptr;
  caller.charged = nullptr;
  coroutine.waiter = nullptr;
  coroutine.peer.clear();
  asked.method.clear();
  asked.text.clear();
  asked.spans = {};
  asked.route_key.clear();
  asked.local_only = false;
  handling.running = handler::none;
  handling.in_process = false;
  handling.context.reset();
  handling.method = nullptr;
  attempts.tried.clear();
  attempts.may_have_run = false;
  if (stream) stream.reset();
  told.stats = nullptr;
  if (told.trace.known) told.trace = {};
}

}  // namespace weft
