// ring<T>: a queue in one block of memory, with room for as many elements as it was made for.
#pragma once

#include <cassert>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace weft::coro {

template <class T>
class ring {
 public:
  explicit ring(std::size_t room) : cells_(room) {}

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

  /// REQUIRES: there is room.
  void push_back(T value) {
    assert(size_ < cells_.size());
    cells_[place(size_)].emplace(std::move(value));
    ++size_;
  }
  /// Makes room when there is none.
  void push_front(T value) {
    if (size_ == cells_.size()) grow();
    first_ = place(cells_.size() - 1);
    cells_[first_].emplace(std::move(value));
    ++size_;
  }
  /// REQUIRES: not empty.
  T pop_front() {
    std::optional<T>& cell = cells_[first_];
    T value = std::move(*cell);
    cell.reset();
    first_ = place(1);
    --size_;
    return value;
  }

 private:
  std::size_t place(std::size_t index) const noexcept { return (first_ + index) % cells_.size(); }
  void grow() {
    std::vector<std::optional<T>> larger(size_ + 1);
    for (std::size_t i = 0; i != size_; ++i) larger[i] = std::move(cells_[place(i)]);
    cells_.swap(larger);
    first_ = 0;
  }

  std::vector<std::optional<T>> cells_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace weft::coro
