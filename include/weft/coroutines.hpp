// The rest of docs/coroutines.md under the names of weft: time limits, what coroutines share, generators.
//
//     const auto answer = co_await weft::timeout(ctx, 500ms, ask(ctx));
//     weft::channel<int> numbers(16);
//     weft::semaphore slots(4);
//
// Not thread-safe: each belongs to one reactor. In a method they are for the coroutines of one call, which
// all run on its reactor. Several calls may share them only where everything runs on one: in a client, in a
// service under weft::serve, or in a node with one reactor.
//
// Apart from <weft/weft.hpp>, since few programs need it.
#pragma once

#include "actors/coro/broadcast.hpp"
#include "actors/coro/channel.hpp"
#include "actors/coro/event.hpp"
#include "actors/coro/generator.hpp"
#include "actors/coro/mutex.hpp"
#include "actors/coro/select.hpp"
#include "actors/coro/semaphore.hpp"
#include "actors/coro/timeout.hpp"
#include "weft/coro.hpp"

namespace weft {

using coro::broadcast;
using coro::broadcast_gap;
using coro::channel;
using coro::channel_end;
using coro::elements_of;
using coro::event;
using coro::generator;
using coro::generator_exit;
using coro::mutex;
using coro::select;
using coro::semaphore;
using coro::slow_subscriber;
using coro::timeout;
using coro::with_deadline;

}  // namespace weft
