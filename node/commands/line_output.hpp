// Lines on their way to a descriptor that may be slow, full or closed at the other end, for a command that
// waits for more than this one thing.
//
// Ownership: the descriptor stays its owner's. Thread safety: none. SIGPIPE must be ignored.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <poll.h>

namespace weft::tools {

class line_output {
 public:
  explicit line_output(int fd) noexcept : fd_(fd) {}

  /// One line more: a JSON text, made printable, without line feeds of its own.
  void add_json(std::string_view json);
  /// Whether every line has been written.
  bool empty() const noexcept { return pending_.empty(); }
  /// Forgets what has not been written, and writes nothing any more.
  void close() noexcept;

  /// What poll(2) is to wait for: room for what waits, and the end of whoever reads.
  pollfd wanted() const noexcept;
  /// Takes what poll(2) has said, and writes as much as there is room for.
  void on_events(short events);
  /// The errno that says why nothing is written any more; 0 while all is well. EPIPE: nobody reads.
  int error() const noexcept { return error_; }

 private:
  void write_some();

  int fd_;
  std::string pending_;
  std::size_t written_ = 0;
  int error_ = 0;
  /// The descriptor has a state that poll(2) would tell again and again.
  bool unwatched_ = false;
};

}  // namespace weft::tools
