// How much may come in one direction of a stream. Items are counted from end to end: their receiver grants
// them, and a node passes that on. Bytes are counted from hop to hop: a node grants them as its own output to
// the receiver drains, and never more than the receiver has granted itself, so that a window at most waits in
// each node.
//
// A window may be overdrawn by the one item that crosses it, since items are not cut. A value; no thread
// safety.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

#include "proto/stream.hpp"

namespace weft {

class stream_flow {
 public:
  static constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max() / 4;

  /// `window`: bytes that may be on their way through this node.
  explicit stream_flow(std::int64_t window) noexcept : window_(window) {}

  // -- from the receiver
  /// Without `bytes`, only items are counted.
  void grant(const proto::stream_grant& more) noexcept {
    items_ = std::min(items_ + more.items, unlimited);
    if (!more.bytes) return;
    if (bytes_allowed_ == unlimited) bytes_allowed_ = 0;
    bytes_allowed_ = std::min(bytes_allowed_ + *more.bytes, unlimited);
  }
  /// Everything that came has left this node.
  void drained() noexcept { drained_ = arrived_; }

  // -- from the sender
  /// False when the sender had no right to send one more.
  bool take(std::int64_t bytes) noexcept {
    const bool may = open();
    --items_;
    arrived_ += bytes;
    return may;
  }

  // -- to the sender
  /// What it may be told of bytes now; nothing while there is too little to be worth a message.
  std::optional<std::int64_t> next_bytes() noexcept {
    const auto target = std::min(bytes_allowed_, drained_ + window_);
    const auto more = target - bytes_granted_;
    const bool stopped = arrived_ >= bytes_granted_;
    if (more <= 0 || (more < window_ / 2 && !stopped)) return std::nullopt;
    bytes_granted_ = target;
    return more;
  }
  /// May a sender of this process send one more?
  bool open() const noexcept { return items_ > 0 && arrived_ < bytes_granted_; }

  std::int64_t items() const noexcept { return items_; }
  std::int64_t waiting_bytes() const noexcept { return arrived_ - drained_; }
  /// Another sender takes over: what the last one was granted in bytes is void.
  void restart() noexcept { bytes_granted_ = arrived_; }

 private:
  std::int64_t window_;
  std::int64_t items_ = 0;
  std::int64_t bytes_allowed_ = unlimited;
  std::int64_t bytes_granted_ = 0;
  std::int64_t arrived_ = 0;
  std::int64_t drained_ = 0;
};

}  // namespace weft
