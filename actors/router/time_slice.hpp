// How long the messages of one connection have taken, so that others have their turn.
#pragma once

#include <cstddef>

#include "actors/coro/executor.hpp"
#include "actors/messages/batch.hpp"

namespace weft {

class time_slice {
 public:
  using clock = coro::clock;

  time_slice(clock::duration length, const inbound_batch& batch) noexcept
      : length_(length),
        measured_(batch.bytes > inbound_batch::few_bytes || batch.items.size() > few_items),
        began_(!measured_                           ? clock::time_point{}
               : batch.began != clock::time_point{} ? batch.began
                                                    : clock::now()) {}

  /// A batch of little takes little: a look at the clock would be a noticeable part of it.
  bool is_measured() const noexcept { return measured_; }
  bool is_over() const noexcept { return measured_ && clock::now() - began_ > length_; }
  /// Before the message with this number; the first one is always looked at.
  bool is_over_before(std::size_t number) const noexcept {
    return measured_ && number > 0 && number % looks_every == 0 && is_over();
  }

 private:
  static constexpr std::size_t few_items = 64;
  static constexpr std::size_t looks_every = 4;

  clock::duration length_;
  bool measured_;
  clock::time_point began_;
};

}  // namespace weft
