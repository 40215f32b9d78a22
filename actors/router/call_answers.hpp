// What a call comes to, told to whoever has made it: a connection, a coroutine of this process, the router of
// another reactor; and to those who count and record.
#pragma once

#include <cstdint>
#include <string_view>

#include "actors/router/outbox.hpp"
#include "actors/router/records.hpp"

namespace weft {

/// A result, or an error, and the response that said so, which is passed on as it came where that is
/// possible.
struct outcome {
  std::int32_t code = 0;
  std::string_view raw_result{};
  const proto::envelope* response = nullptr;
  const rpc_error* error = nullptr;
  /// Its caller is gone, or has taken it back.
  bool awaited = true;
  /// Nobody but an end of the stream has broken a rule, which says nothing about the instance.
  bool blameless = false;

  static outcome of(const rpc_error& error) noexcept { return {.code = error.code, .error = &error}; }
  static outcome unawaited(error_code why) noexcept {
    return {.code = static_cast<std::int32_t>(why), .awaited = false};
  }
};

class call_answers {
 public:
  call_answers(router_site& site, answers& replies, outbox& others, records& told) noexcept
      : site_(site), answers_(replies), outbox_(others), records_(told) {}

  void tell(call& c, const outcome& o);

 private:
  void tell_connection(call& c, const outcome& o);
  static void tell_coroutine(call& c, const outcome& o);
  void tell_router(const call& c, const outcome& o);
  void count_end_of_stream(const outcome& o);

  router_site& site_;
  answers& answers_;
  outbox& outbox_;
  records& records_;
};

}  // namespace weft
