#include "node/commands/line_output.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>

#include <unistd.h>

#include "node/logging/printable.hpp"

namespace weft::tools {

void line_output::add_json(std::string_view json) {
  if (fd_ < 0) return;
  const auto from = static_cast<std::ptrdiff_t>(pending_.size());
  pending_ += printable_json(json);
  // Only between members: JSON has no raw line feed in a string.
  std::replace(pending_.begin() + from, pending_.end(), '\n', ' ');
  pending_ += '\n';
}

void line_output::close() noexcept {
  fd_ = -1;
  pending_.clear();
}

pollfd line_output::wanted() const noexcept {
  const bool waits = !pending_.empty();
  return {waits || !unwatched_ ? fd_ : -1, static_cast<short>(waits ? POLLOUT : 0), 0};
}

void line_output::on_events(short events) {
  if (events == 0) return;
  if (!pending_.empty()) return write_some();
  if ((events & POLLERR) != 0) error_ = EPIPE;
  unwatched_ = true;
}

void line_output::write_some() {
  // A pipe with room takes so much without blocking.
  const auto size = std::min<std::size_t>(pending_.size() - written_, PIPE_BUF);
  const auto count = ::write(fd_, pending_.data() + written_, size);
  if (count < 0) {
    if (errno != EINTR && errno != EAGAIN) error_ = errno;
    return;
  }
  written_ += static_cast<std::size_t>(count);
  if (written_ < pending_.size()) return;
  pending_.clear();
  written_ = 0;
}

}  // namespace weft::tools
