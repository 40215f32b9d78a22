// One connection of a load generator: its slots, its incomplete input and its unsent output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "node/client/socket.hpp"

namespace weft::tools {

class pipeline {
 public:
  pipeline(unique_fd socket, std::size_t slots) : socket_(std::move(socket)), started_(slots, unused) {
    free_.reserve(slots);
    for (std::size_t slot = slots; slot > 0; --slot) free_.push_back(static_cast<std::uint32_t>(slot - 1));
  }

  bool open() const noexcept { return static_cast<bool>(socket_); }
  int fd() const noexcept { return socket_.get(); }
  std::size_t free_slots() const noexcept { return free_.size(); }
  std::size_t in_flight() const noexcept { return started_.size() - free_.size(); }

  /// Takes a free slot for a request whose latency counts from `started`, in nanoseconds.
  std::uint32_t take(std::int64_t started) noexcept {
    std::uint32_t slot = free_.back();
    free_.pop_back();
    started_[slot] = started;
    return slot;
  }
  /// Frees the slot and returns when its request started; `unused` when no request of it was in flight.
  std::int64_t release(std::uint32_t slot) noexcept {
    if (slot >= started_.size() || started_[slot] == unused) return unused;
    free_.push_back(slot);
    return std::exchange(started_[slot], unused);
  }
  bool in_use(std::uint32_t slot) const noexcept {
    return slot < started_.size() && started_[slot] != unused;
  }
  /// When the request of a slot in use started.
  std::int64_t started(std::uint32_t slot) const noexcept { return started_[slot]; }
  /// The start of every request in flight.
  template <class Visit>
  void for_each_in_flight(Visit&& visit) const {
    for (std::int64_t started : started_) {
      if (started != unused) visit(started);
    }
  }
  void close() noexcept { socket_.reset(); }

  static constexpr std::int64_t unused = -1;

  /// The beginning of a frame whose end has not come yet.
  std::string partial;
  /// Rendered requests that have not been handed to the socket.
  std::string output;
  /// The socket took only a part: nothing is sent before it reports room.
  bool blocked = false;

 private:
  unique_fd socket_;
  std::vector<std::int64_t> started_;
  std::vector<std::uint32_t> free_;
};

}  // namespace weft::tools
