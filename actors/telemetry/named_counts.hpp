// Counts by a name that comes from outside: the first ones have a count of their own, the others share one.
//
// Thread safety: none; each belongs to one router.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "actors/runtime/string_map.hpp"

namespace weft {

class named_counts {
 public:
  static constexpr std::size_t most = 64;
  static constexpr std::string_view other = "_OTHER";

  void add(std::string_view name) {
    auto found = counts_.find(name);
    if (found == counts_.end())
      found = counts_.try_emplace(std::string(counts_.size() < most ? name : other)).first;
    ++found->second;
  }

  /// Each name and its count.
  template <class Visitor>
  void visit(Visitor&& visitor) const {
    for (const auto& [name, count] : counts_) visitor(name, count);
  }

 private:
  string_map<std::uint64_t> counts_;
};

}  // namespace weft
