// What tests of a connection's parts need: the shard that they share, on this thread.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <gtest/gtest.h>

#include "actors/transport/shard.hpp"

namespace weft {

class shard_case : public testing::Test {
 protected:
  caf::actor_system_config config;
  caf::actor_system system{config};
  node_options options;
  node_counters counters;
  shard shared{system, 0, options, counters, nullptr};
};

}  // namespace weft
