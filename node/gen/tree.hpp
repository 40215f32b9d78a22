// Methods by the parts of their names: "users.admin.ban" is the method ban of admin of users.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "node/gen/model.hpp"

namespace weft::gen {

struct branch {
  /// The part of the name, "admin"; empty at the root.
  std::string name;
  /// Up to here, "users.admin"; empty at the root.
  std::string path;
  std::vector<branch> inner{};
  /// What stands here: the last part of its name, and which of `model::methods` it is.
  struct leaf {
    std::string name;
    std::size_t method;
  };
  std::vector<leaf> methods{};
};

/// In the order of the methods.
branch tree_of(const std::vector<method>& methods);

}  // namespace weft::gen
