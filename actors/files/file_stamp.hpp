// What tells one state of a file from another without reading it.
#pragma once

#include <cstdint>
#include <string>

namespace weft {

/// All zero for a file that is not there. Links are followed, so one that is turned to another file counts.
struct file_stamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t modified_ns = 0;
  /// Of its owner and mode as well.
  std::int64_t changed_ns = 0;

  friend bool operator==(const file_stamp&, const file_stamp&) = default;
};

file_stamp stamp_of(const std::string& path);

}  // namespace weft
