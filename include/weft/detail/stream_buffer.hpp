// A stream on its way between the reactor that it comes over and whoever reads it, on any thread: items that
// have come, values that may be sent, and how it ended.
//
// Thread safety: any thread. Shared by both sides; one reads and one sends at a time.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "weft/error.hpp"

namespace weft::detail {

struct raw_item {
  std::string value;
  /// Empty for none.
  std::string cursor;
};

/// The way to the callee; from any thread. What comes behind the end of the stream is dropped.
class stream_link {
 public:
  stream_link() = default;
  stream_link(const stream_link&) = delete;
  stream_link& operator=(const stream_link&) = delete;
  virtual ~stream_link() = default;

  /// So many items have been taken.
  virtual void grant(std::int64_t items) = 0;
  virtual void send(std::string raw_value) = 0;
  virtual void raise(error what) = 0;
  virtual void end_input() = 0;
  virtual void take_back() = 0;
  /// For a thread that waits: brings the stream on itself, a little; false where another thread does.
  virtual bool bring_on() { return false; }
};

class stream_buffer {
 public:
  explicit stream_buffer(std::int64_t window) noexcept : window_(window) {}

  // -- from the callee, once it is connected
  void connect(std::unique_ptr<stream_link> link) { link_ = std::move(link); }
  void put(raw_item item);
  void accept(std::int64_t values, std::int64_t bytes);
  /// The first end counts; without an error everything has come.
  void finish(std::optional<error> failure);

  // -- the reader
  /// An item is there, or the end.
  bool readable() const;
  /// Calls `act` once it is: from inside this call, or on the thread that brings it.
  void when_readable(std::move_only_function<void()> act);
  /// Blocks until it is. On a reactor, which would then never bring it, the stream ends with an error.
  void wait_readable();
  /// REQUIRES: readable. Nothing at the end.
  std::optional<raw_item> take();
  /// How the stream has ended.
  std::optional<error> failure() const;

  // -- the sender
  /// A value may be sent, or never will: the stream has ended, or an item has come from a callee that had
  /// granted no value before it, which is one that takes none.
  bool writable() const;
  void when_writable(std::move_only_function<void()> act);
  void wait_writable();
  /// REQUIRES: writable. False when the stream has ended; it ends if the callee takes no values.
  bool send(std::string raw_value);
  void raise(error what) { link_->raise(std::move(what)); }
  void end_input() { link_->end_input(); }

  /// The stream is of no use any more. What has come and was not taken is dropped.
  void take_back();

 private:
  using action = std::move_only_function<void()>;
  bool is_readable() const noexcept { return ended_ || !items_.empty(); }
  bool is_writable() const noexcept {
    return ended_ || takes_none_ || (accepted_ > 0 && accepted_bytes_ > 0);
  }
  void refuse_to_block();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<stream_link> link_;
  const std::int64_t window_;
  std::deque<raw_item> items_;
  std::int64_t taken_ = 0;
  std::int64_t accepted_ = 0;
  /// May be overdrawn by one value.
  std::int64_t accepted_bytes_ = 0;
  bool was_granted_ = false;
  bool takes_none_ = false;
  bool ended_ = false;
  std::optional<error> failure_;
  action reader_;
  action sender_;
};

}  // namespace weft::detail
