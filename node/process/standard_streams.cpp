#include "node/process/standard_streams.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "node/logging/printable.hpp"

namespace weft {

void open_standard_descriptors() noexcept {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    // The lowest free descriptor is this one, as those below are open. A path that always exists, opened for
    // neither reading nor writing: a lost result is noticed, which /dev/null would hide.
    if (fcntl(fd, F_GETFD) == -1 && errno == EBADF && open("/", O_PATH) == -1) return;
  }
}

std::expected<void, std::string> flush_standard_output() {
  errno = 0;
  const bool cpp_failed = !std::cout.flush();
  const bool c_failed = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
  if (!cpp_failed && !c_failed) {
    // Some file systems report what was not stored only when a descriptor is closed.
    const int copy = dup(STDOUT_FILENO);
    if (copy == -1 || close(copy) == 0) return {};
  }
  const int why = errno;
  return std::unexpected(fmt::format("standard output did not take the whole result{}{}; it is incomplete",
                                     why != 0 ? ": " : "", why != 0 ? std::strerror(why) : ""));
}

void print_error(std::string_view program, std::string_view what) noexcept {
  try {
    const std::string line = fmt::format("{}: {}\n", printable(program), printable(what));
    static_cast<void>(std::fwrite(line.data(), 1, line.size(), stderr));
  } catch (const std::exception&) {
    std::fputs("weft: out of memory\n", stderr);
  }
}

}  // namespace weft
