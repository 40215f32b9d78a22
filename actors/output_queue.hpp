// Frames that the kernel did not take yet. Urgent frames overtake queued ones, but never cut into a frame
// that is partly written.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weft {

class output_queue {
 public:
  bool empty() const noexcept { return sent_ == bytes_.size(); }
  std::size_t size() const noexcept { return bytes_.size() - sent_; }

  /// Both take whole frames.
  void append(std::string_view frames);
  void append_urgent(std::string_view frames);

  /// What to write next.
  std::string_view front() const noexcept { return std::string_view(bytes_).substr(sent_); }
  /// The first `count` bytes of `front` were written.
  void consume(std::size_t count);

 private:
  void release_sent();

  std::string bytes_;
  std::size_t sent_ = 0;
  /// Start of the first frame of which nothing is written.
  std::size_t boundary_ = 0;
  /// End of the urgent frames that stand at the boundary.
  std::size_t urgent_end_ = 0;
};

}  // namespace weft
