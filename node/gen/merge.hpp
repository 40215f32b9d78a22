// Types that are equal become one: services describe a type anew wherever they use it.
#pragma once

#include "node/gen/model.hpp"

namespace weft::gen {

/// Named types with the same members and, where they have one, the same title become the first of them; what
/// is used by nothing is left out. Also types that lead to themselves.
void merge_equal_types(model& of);

}  // namespace weft::gen
