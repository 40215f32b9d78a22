// What tests of a connection's parts need: the resources of a reactor that they share, on this thread.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <gtest/gtest.h>

#include "actors/transport/reactor_resources.hpp"

namespace weft {

class resources_case : public testing::Test {
 protected:
  caf::actor_system_config config;
  caf::actor_system system{config};
  node_options options;
  node_counters counters;
  reactor_resources shared{system, 0, options, counters, nullptr};
};

}  // namespace weft
