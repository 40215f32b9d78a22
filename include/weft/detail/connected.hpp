// What a client and a node in this process have in common: calls, streams and tasks from any thread.
//
// Ownership: a handle. Thread safety: any thread.
#pragma once

#include <exception>
#include <future>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "weft/coro.hpp"
#include "weft/detail/arguments.hpp"
#include "weft/pending.hpp"
#include "weft/stream.hpp"

namespace weft::detail {

class runtime;

class connected : public call_operators<connected>, public stream_operators<connected> {
 public:
  explicit connected(std::shared_ptr<runtime> of) noexcept : runtime_(std::move(of)) {}

  /// Runs a task on its reactor, in the background, until it ends. A failure is logged and counted.
  void spawn(task<void> background) const;

  /// Runs a task on its reactor and waits for what it returns, or throws. Not from a coroutine.
  template <class T>
  T run(task<T> work) const {
    std::promise<T> promise;
    auto outcome = promise.get_future();
    spawn(fulfil(std::move(work), std::move(promise)));
    return outcome.get();
  }

 protected:
  const std::shared_ptr<runtime>& of() const noexcept { return runtime_; }

 private:
  friend call_operators<connected>;
  friend stream_operators<connected>;

  template <class T>
  pending<T> begin(std::string method, std::string raw_params, call_options options) const {
    return pending<T>(start_raw(std::move(method), std::move(raw_params), std::move(options)));
  }
  std::shared_ptr<pending_state> start_raw(std::string method, std::string raw_params,
                                           call_options options) const;
  template <class T, class Sent>
  weft::stream<T, Sent> begin_stream(std::string method, std::string raw_params, read_options options) const {
    return weft::stream<T, Sent>(open_stream(std::move(method), std::move(raw_params), std::move(options)));
  }
  std::shared_ptr<stream_buffer> open_stream(std::string method, std::string raw_params,
                                             read_options options) const;

  template <class T>
  static task<void> fulfil(task<T> work, std::promise<T> promise) {
    try {
      if constexpr (std::is_void_v<T>) {
        co_await std::move(work);
        promise.set_value();
      } else {
        promise.set_value(co_await std::move(work));
      }
    } catch (...) {
      promise.set_exception(std::current_exception());
    }
  }

  std::shared_ptr<runtime> runtime_;
};

}  // namespace weft::detail
