// Frames that the kernel did not take yet. Urgent frames overtake queued ones, but never cut into a frame
// that is partly written.
//
// Kept in pieces, so that a long queue costs what it holds: one that grows as a whole has its old and its new
// self in memory together.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>

namespace weft {

class output_queue {
 public:
  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

  /// Both take whole frames.
  void append(std::string_view frames);
  void append_urgent(std::string_view frames);

  /// What to write next, perhaps not all there is; empty only when the queue is.
  std::string_view front() const noexcept;
  /// The next `count` bytes were written; they may reach beyond `front`.
  void consume(std::size_t count);
  /// The next `count` bytes of `front` have begun to be written: nothing overtakes them any more.
  void begin(std::size_t count);

 private:
  bool urgent_is_next() const noexcept { return !urgent_.empty() && sent_ == boundary_; }
  void consume_urgent(std::size_t count);
  void consume_bulk(std::size_t count);

  /// Whole frames each.
  std::list<std::string> pieces_;
  std::string urgent_;
  std::size_t urgent_sent_ = 0;
  /// How much of the first piece is written, and where its first frame starts of which nothing is.
  std::size_t sent_ = 0;
  std::size_t boundary_ = 0;
  std::size_t size_ = 0;
};

}  // namespace weft
