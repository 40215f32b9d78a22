// The methods of this process: what a request or a coroutine's call does that a handler of this process
// serves.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "actors/coro/scope.hpp"
#include "actors/router/blocking_handlers.hpp"
#include "actors/router/streams.hpp"
#include "actors/runtime/string_map.hpp"
#include "actors/service/service_host.hpp"

namespace weft {

/// A method of this process, as a router sees it.
struct local_method {
  const method* what = nullptr;
  method_stats* stats = nullptr;
  /// Present where the method has a limit of calls under way.
  std::shared_ptr<admission_state> admission;
};

/// What a value's raw bytes say, null when there are none; only numbers beyond a double can fail, since the
/// scanner has validated the bytes.
std::expected<nlohmann::json, rpc_error> parse_value(std::string_view raw);

class handlers {
 public:
  handlers(router_site& site, answers& replies, records& told, permits& limited, calls& book, streams& flows,
           blocking_handlers& on_threads, coro::scope& tasks);

  const local_method* find(std::string_view name) const {
    const auto found = methods_.find(name);
    return found == methods_.end() ? nullptr : &found->second;
  }
  /// For a request of a connection.
  void invoke(const local_method& local, request& r);
  /// For a call that a coroutine of this process makes.
  void invoke(const local_method& local, call& c, std::string_view raw_params,
              const weft::handler_context& ctx);
  /// A call that waited for its permit.
  void resume(call& c);
  void on_blocking_done(blocking_done& done);

 private:
  class request_source;
  class call_source;
  /// What a handler that does not answer at once needs of whoever calls it.
  struct surroundings {
    coro::cancel_scope scope;
    connection_key caller;
    std::shared_ptr<const trace_members> trace;
  };

  /// The one way to a handler, from the wire and from inside the process.
  template <class Source>
  void run(const local_method& local, std::string_view raw_params, Source& source);
  void start(call& c, const method& m, nlohmann::json params, surroundings around);
  surroundings surroundings_of(const call& c, const proto::envelope& message) const;

  static coro::task<void> run_coroutine(handlers* self, call_key key, const method* m,
                                        weft::handler_context ctx, nlohmann::json params);
  static coro::task<void> run_stream(handlers* self, call_key key, const method* m, weft::handler_context ctx,
                                     stream_call what);
  void on_done(call_key key, json_result outcome);
  /// From inside a catch block.
  rpc_error failed(std::string_view name);
  rpc_error failed(std::string_view name, std::string_view what);

  router_site& site_;
  answers& answers_;
  records& records_;
  permits& permits_;
  calls& calls_;
  streams& streams_;
  blocking_handlers& blocking_;
  coro::scope& tasks_;
  string_map<local_method> methods_;
  std::string scratch_;
};

}  // namespace weft
