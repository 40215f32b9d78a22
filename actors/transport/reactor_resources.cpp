#include "actors/transport/reactor_resources.hpp"

#include <random>

#include <fmt/format.h>

namespace weft {

std::string random_incarnation() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

}  // namespace weft
