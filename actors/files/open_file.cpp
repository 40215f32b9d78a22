#include "actors/files/open_file.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weft {

std::expected<file_stream, std::string> open_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return std::unexpected(std::strerror(errno));
  struct stat status{};
  if (::fstat(descriptor, &status) == 0 && S_ISFIFO(status.st_mode) && !path.starts_with("/dev/") &&
      !path.starts_with("/proc/")) {
    ::close(descriptor);
    return std::unexpected("it is a FIFO; write a regular file and move it to this name");
  }
  ::fcntl(descriptor, F_SETFL, O_RDONLY);
  return file_stream(::fdopen(descriptor, "rb"), std::fclose);
}

std::string check_owner_only(std::FILE* file, std::string_view path, std::string_view secret) {
  struct stat status{};
  if (::fstat(::fileno(file), &status) != 0) return std::strerror(errno);
  constexpr mode_t others = S_IRWXG | S_IRWXO;
  if (status.st_uid != ::geteuid() || (status.st_mode & others) == 0) return {};
  return fmt::format("its mode {:04o} lets others at the {} in it; run: chmod 600 {}", status.st_mode & 07777,
                     secret, path);
}

}  // namespace weft
