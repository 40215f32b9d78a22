#include "actors/router/stream_failures.hpp"

#include <fmt/format.h>

namespace weft {

void stream_failures::end(call& c, const rpc_error& error) {
  calls_.cancel(c, coro::cancel_reason::cancelled_by_caller);
  c.caller.cancelled = false;
  auto o = outcome::of(error);
  o.blameless = true;
  calls_.settle(c, o);
}

void stream_failures::over_credit(call& c, std::string_view who) {
  site_.metrics().add(metric::limit_stream_credit);
  end(c, site_.exhausted(fmt::format("{} has sent more on this stream than it was granted", who),
                         executed::unknown));
}

void stream_failures::repeated(call& c, std::string_view message, const proto::stream_members& m) {
  invalid(c, fmt::format("{} has the member '{}' twice", message, m.repeated));
}

void stream_failures::invalid(call& c, std::string_view what) {
  end(c, make_mesh_error(error_code::internal_error, fmt::format("the stream is broken: {}", what),
                         executed::unknown, site_.options.id));
}

}  // namespace weft
