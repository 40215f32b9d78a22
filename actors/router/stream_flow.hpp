// How much may come in one direction of a stream. The receiver grants items, from end to end, and perhaps
// bytes of their values. A node lets no more of that through than fits its window, in which an item counts
// with everything that it takes on the wire; the rest follows as its own output to the receiver drains.
//
// Half of the window is for values, half for what is around them, since how large the next value is only its
// sender knows. It may be overdrawn by the one item that crosses it, since items are not cut. A value; no
// thread safety.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "proto/stream.hpp"

namespace weft {

class stream_flow {
 public:
  static constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max() / 4;

  /// `around`: what an item takes on the wire beside its value. The most that was seen counts.
  explicit stream_flow(std::int64_t around) noexcept : around_(around) {}

  // -- from the receiver
  /// Without bytes, only items are counted.
  void grant(const proto::stream_grant& more) noexcept {
    items_held_ = std::min(items_held_ + more.items, unlimited);
    if (!more.bytes) return;
    // What it was told of before bytes were counted is part of that.
    if (bytes_held_ == unlimited) bytes_held_ = -bytes_;
    bytes_held_ = std::min(bytes_held_ + *more.bytes, unlimited);
  }
  /// Everything that came has left this node.
  void drained() noexcept { waiting_ = 0; }

  // -- from the sender
  /// An item has come, with a value of so many bytes and so many `around` it. False when the sender had no
  /// right to send one more.
  bool take(std::int64_t bytes, std::int64_t around) noexcept {
    const bool may = open();
    --items_;
    bytes_ -= bytes;
    waiting_ += bytes + around;
    around_ = std::max(around_, around);
    return may;
  }

  // -- to the sender
  /// What it may be told now; nothing while that is too little to be worth a message.
  std::optional<proto::stream_grant> next(std::int64_t window) noexcept {
    const auto half = std::max<std::int64_t>(window - waiting_, 0) / 2;
    const auto most_items = half > 0 ? std::max<std::int64_t>(half / around_, 1) : 0;
    const auto items = std::max<std::int64_t>(std::min(items_held_, most_items - items_), 0);
    const auto bytes = std::max<std::int64_t>(std::min(bytes_held_, half - bytes_), 0);
    const bool items_count =
        items > 0 && (items == items_held_ || items_ <= 0 || items >= (most_items + 1) / 2);
    const bool bytes_count = bytes > 0 && (bytes_ <= 0 || bytes >= half / 2);
    if (!items_count && !bytes_count) return std::nullopt;
    items_held_ -= items;
    items_ += items;
    if (bytes_held_ != unlimited) bytes_held_ -= bytes;
    bytes_ += bytes;
    return proto::stream_grant{items, bytes > 0 ? std::optional(bytes) : std::nullopt};
  }
  /// May a sender of this process send one more?
  bool open() const noexcept { return items_ > 0 && bytes_ > 0; }

  /// What its receiver has granted and has not got.
  std::int64_t items() const noexcept { return items_held_ + items_; }
  std::int64_t waiting_bytes() const noexcept { return waiting_; }
  /// Another sender takes over: what the last one was told is void.
  void restart() noexcept {
    items_held_ += std::exchange(items_, 0);
    const auto bytes = std::exchange(bytes_, 0);
    if (bytes_held_ != unlimited) bytes_held_ += bytes;
  }

 private:
  std::int64_t around_;
  // Granted by the receiver and not used: what the sender has not been told of, and what it has.
  std::int64_t items_held_ = 0;
  std::int64_t items_ = 0;
  std::int64_t bytes_held_ = unlimited;
  std::int64_t bytes_ = 0;
  std::int64_t waiting_ = 0;
};

}  // namespace weft
