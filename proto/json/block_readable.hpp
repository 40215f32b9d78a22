// Texts as the scanner wants them.
#pragma once

#include <cstring>
#include <string_view>

#include "proto/json/sse2_block.hpp"

namespace weft::proto {

/// A text that the scanner may read in blocks: short ones are copied behind padding, since a block that
/// reaches the end of the text is loaded from the 16 bytes before that end.
class block_readable {
 public:
  explicit block_readable(std::string_view text) noexcept {
    if (text.size() >= block_bytes) {
      view_ = text;
      return;
    }
    std::memset(padded_, ' ', sizeof padded_);
    char* copy = padded_ + sizeof padded_ - text.size();
    if (!text.empty()) std::memcpy(copy, text.data(), text.size());
    view_ = {copy, text.size()};
  }
  block_readable(const block_readable&) = delete;
  block_readable& operator=(const block_readable&) = delete;

  std::string_view view() const noexcept { return view_; }
  bool is_copy() const noexcept { return view_.size() < block_bytes; }

 private:
  std::string_view view_;
  char padded_[block_bytes];
};

}  // namespace weft::proto
