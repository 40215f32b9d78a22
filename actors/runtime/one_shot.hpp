// An actor that does one thing on CAF's scheduler and ends: work that blocks, away from the reactors.
//
// A class rather than a lambda given to `spawn`: CAF 0.17.6 binds a lambda without arguments through a null
// reference, which UBSan reports.
#pragma once

#include <functional>
#include <utility>

#include <caf/event_based_actor.hpp>

namespace weft {

class one_shot final : public caf::event_based_actor {
 public:
  /// `body` must not throw.
  one_shot(caf::actor_config& config, std::function<void()> body)
      : caf::event_based_actor(config), body_(std::move(body)) {}

  caf::behavior make_behavior() override {
    std::exchange(body_, nullptr)();
    return {};
  }

 private:
  std::function<void()> body_;
};

}  // namespace weft
