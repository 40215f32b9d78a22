// The calls of a router that are under way: found by key, or by connection and id.
//
// Thread safety: none; each belongs to one router.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "actors/router/call.hpp"

namespace weft {

class call_table {
 public:
  /// `owner` is told of the timers of its calls, and outlives it.
  explicit call_table(call_owner& owner) noexcept : owner_(owner) {}

  /// A fresh record.
  call& acquire();
  /// The record, or null when the key is stale.
  call* find(call_key key) const noexcept;
  void release(call& c);
  std::size_t size() const noexcept { return in_use_; }
  /// `visit` may release the call that it gets.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i]->from != call::origin::none) visit(*slots_[i]);
    }
  }

  // -- calls of connections by (connection, raw id)
  void index(call& c);
  void unindex(call& c) noexcept;
  call* find(connection_key caller, std::string_view raw_id) const noexcept;

 private:
  void grow_index();

  // Texts of recycled records keep their capacity, up to this much in all.
  static constexpr std::size_t most_retained_bytes = 16 << 20;

  call_owner& owner_;
  std::vector<std::unique_ptr<call>> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<call*> buckets_ = std::vector<call*>(1024);
  std::size_t indexed_ = 0;
  std::size_t in_use_ = 0;
  std::size_t retained_bytes_ = 0;
};

}  // namespace weft
