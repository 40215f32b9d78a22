// A service: the methods that a program serves, as ordinary functions.
//
//     weft::service users("users");
//     users.method("users.get", get, {.params = {"id"}, .idempotent = true});
//     return weft::run(argc, argv, users);               // inside a node; or
//     return weft::serve("127.0.0.1:7400", users);       // at a node somewhere
//
// A method is a function, a coroutine (weft::task), a function that may block (`.blocking`), or a generator
// (weft::async_generator), which answers with a stream (<weft/stream.hpp>). Its arguments
// are read from the params, by position or by name, as their types say; what does not fit is answered with
// -32602, which says what would. It returns a value, a weft::result of one, or nothing. A first argument of
// type weft::call_context is its call. Methods run on the reactors, several of them in a node: what they
// share needs a lock of its own, which is never held over a co_await.
//
// Ownership: a service is a handle; its methods are complete before it is run, and its functions live as long
// as what runs it. Errors: `method` throws std::invalid_argument for what can never work, since that is a
// bug.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "weft/addresses.hpp"
#include "weft/call_context.hpp"
#include "weft/coro.hpp"
#include "weft/detail/method_entry.hpp"
#include "weft/error.hpp"
#include "weft/fields.hpp"

namespace spdlog {
class logger;
}

namespace weft {

/// What `method` is told beside the name and the function. Designators stand in the order of these members:
///
///     users.method("users.list", list,
///                  {.params = {"limit"}, .defaults = {{"limit", 10}}, .summary = "The first users",
///                   .idempotent = true, .blocking = true, .max_in_flight = 8});
struct method_options {
  /// Names of the parameters, in their order. May be left out where the function takes none, or one struct
  /// that is all of the params.
  std::vector<std::string> params{};
  /// By name, for parameters that may be absent: {{"limit", 10}}. Those of type std::optional may be as well.
  /// A value that its parameter could not take is refused by `method`.
  nlohmann::json defaults = nlohmann::json::object();
  std::string summary{};
  /// Running twice does no harm, so a call may be tried again.
  bool idempotent = false;
  /// The function may block or compute for long: it runs on a thread for such work, not on a reactor.
  bool blocking = false;
  /// Calls under way that it takes at a time; 0 leaves it to the other limits.
  std::uint32_t max_in_flight = 0;
  /// A generator of weft::item can go on behind a cursor, `ctx.after<Cursor>()`.
  bool resumable = false;
};

class service_state;

class service {
 public:
  explicit service(std::string name);

  /// Returns itself, so that registrations can be chained.
  template <class F>
  service& method(std::string name, F function, method_options options = {});

  /// Runs a task in the background: from now on, or from when the service is run, until it ends. From inside
  /// a method it runs on the same reactor. When it fails, which is an exception or an error, that is logged
  /// and counted (weft_task_failures_total).
  void spawn(task<void> background);
  template <class T>
  void spawn(task<result<T>> background) {
    spawn(report(std::move(background)));
  }

  const std::string& name() const noexcept;
  /// For the parts of weft that run services.
  const std::shared_ptr<service_state>& state() const noexcept { return state_; }

 private:
  void add(detail::method_entry entry);
  template <class T>
  static task<void> report(task<result<T>> background) {
    const auto outcome = co_await std::move(background);
    if (!outcome) throw_failure(outcome.error());
  }
  [[noreturn]] static void throw_failure(const error& failure);

  std::shared_ptr<service_state> state_;
};

/// Runs services inside a node, with all options of `weft node` (link weft::program), until SIGTERM or
/// SIGINT. With a subcommand of `weft` as first argument it is that. Returns the exit code.
int run(int argc, char** argv, const service& services);
int run(int argc, char** argv, std::initializer_list<service> services);

struct serve_options {
  /// Tells several processes of a service apart.
  std::string instance{};
  /// Who this is, to a node that asks for it.
  std::string token{};
  /// The interval in which both sides say that they live.
  std::chrono::milliseconds heartbeat{15'000};
  /// How long the end waits for calls under way.
  std::chrono::milliseconds drain_timeout{10'000};
  /// Lines on standard error without one.
  std::shared_ptr<spdlog::logger> log{};
};

/// Serves at a node, until SIGTERM or SIGINT: connects again, with a growing delay, whenever the connection
/// ends, and to another of the addresses, if there are several, when the node says that it goes. Returns the
/// exit code: 0 after the signal; 64 when the addresses are wrong; 1 when every node refuses what will not
/// change by itself, such as the token or a method's name, rather than trying that for ever. What is wrong is
/// told on standard error.
int serve(const addresses& nodes, const service& methods, const serve_options& options = {});

template <class F>
service& service::method(std::string name, F function, method_options options) {
  using traits = detail::function_traits<std::decay_t<F>>;
  using arguments = typename traits::arguments;
  constexpr const arguments* none = nullptr;
  auto of =
      std::make_shared<const detail::signature>(name, detail::parameters_of(none), std::move(options.params),
                                                options.defaults, detail::may_be_whole(none));
  detail::method_entry entry{
      .name = std::move(name),
      .summary = std::move(options.summary),
      .idempotent = options.idempotent,
      .blocking = options.blocking,
      .max_in_flight = options.max_in_flight,
      .params = of->describe(),
      .result = detail::schema<typename detail::item_value<typename traits::value_type>::type>(),
      .plain = {},
      .coroutine = {}};
  if (options.resumable && !(traits::is_stream && detail::is_item<typename traits::returned_type>))
    detail::refuse_resumable(entry.name);
  auto kept = std::make_shared<std::decay_t<F>>(std::move(function));
  if constexpr (traits::is_stream) {
    entry.stream = detail::stream_of<traits>(kept, of, options.resumable);
    // A caller that asks for no stream.
    entry.result = {{"type", "array"}, {"items", entry.stream->item}};
  } else if constexpr (traits::is_coroutine || traits::takes_context) {
    entry.coroutine = [kept, of](call_context ctx, nlohmann::json params) {
      return detail::run<traits>(kept, of, std::move(ctx), std::move(params));
    };
  } else {
    entry.plain = [kept, of](const nlohmann::json& params) -> detail::method_outcome {
      auto read_values = detail::read_arguments<traits>(*of, params);
      if (!read_values) return std::unexpected(std::move(read_values.error()));
      return detail::invoke<traits>(*kept, std::move(*read_values));
    };
  }
  add(std::move(entry));
  return *this;
}

}  // namespace weft
