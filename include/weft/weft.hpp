// All of weft for a program that uses it. <weft/caf.hpp>, for actors of CAF, <weft/coroutines.hpp> and
// <weft/testing.hpp> are apart.
#pragma once

#include "weft/call_context.hpp"  // IWYU pragma: export
#include "weft/client.hpp"        // IWYU pragma: export
#include "weft/coro.hpp"          // IWYU pragma: export
#include "weft/error.hpp"         // IWYU pragma: export
#include "weft/fields.hpp"        // IWYU pragma: export
#include "weft/node.hpp"          // IWYU pragma: export
#include "weft/pending.hpp"       // IWYU pragma: export
#include "weft/service.hpp"       // IWYU pragma: export
#include "weft/stream.hpp"        // IWYU pragma: export
