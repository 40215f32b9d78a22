// What generators raise of themselves: the exit that closes one, and the errors of who uses one wrongly.
#pragma once

#include <stdexcept>

namespace weft::coro {

/// Raised where a generator is suspended when it is closed. Not a std::exception, so that a body which
/// catches errors does not catch its own end with them.
struct generator_exit {};

/// A generator was asked for what it cannot do now: a bug of whoever asked.
class generator_error final : public std::logic_error {
 public:
  using logic_error::logic_error;

  static generator_error already_running() {
    return generator_error("the generator is running: await its last step before asking for another");
  }
  static generator_error not_started() {
    return generator_error(
        "a value was sent to a generator that has not started: ask for its first item first");
  }
  static generator_error ignored_exit() {
    return generator_error("the generator yielded an item while it was closed: let generator_exit pass");
  }
};

}  // namespace weft::coro
