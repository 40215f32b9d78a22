#include "node/process/file_text.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

#include <fmt/format.h>
#include <sys/stat.h>

#include "actors/access/access_policy.hpp"
#include "actors/files/open_file.hpp"

namespace weft {
namespace {

std::expected<std::string, std::string> read_stream(std::FILE* file) {
  std::string text;
  char buffer[4096];
  std::size_t n = 0;
  do {
    n = std::fread(buffer, 1, sizeof buffer, file);
    text.append(buffer, n);
    if (text.size() > most_file_bytes)
      return std::unexpected(fmt::format("it has more than {} bytes", most_file_bytes));
  } while (n == sizeof buffer);
  // A directory can be opened, but not read.
  if (std::ferror(file)) return std::unexpected(std::strerror(errno));
  return text;
}

bool is_folder(std::FILE* file) {
  struct stat status{};
  return ::fstat(::fileno(file), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

std::expected<std::string, std::string> read_file(const std::string& path) {
  const auto file = open_file(path);
  if (!file) return std::unexpected(file.error());
  return read_stream(file->get());
}

std::expected<std::string, std::string> read_secret_file(const std::string& path) {
  const auto refuse = [&](std::string_view why) {
    return std::unexpected(fmt::format("file \"{}\" cannot be used: {}", path, why));
  };
  const auto file = open_file(path);
  if (!file) return refuse(file.error());
  if (is_folder(file->get())) return refuse("it is a folder");
  if (const auto wrong = check_owner_only(file->get(), path, "secrets"); !wrong.empty()) return refuse(wrong);
  auto text = read_stream(file->get());
  if (!text) return refuse(text.error());
  return text;
}

std::expected<std::string, std::string> read_token_file(const std::string& path) {
  auto text = read_secret_file(path);
  if (!text) return text;
  constexpr std::string_view space = " \t\r\n";
  const auto first = std::min(text->find_first_not_of(space), text->size());
  auto token = text->substr(first, text->find_last_not_of(space) + 1 - first);
  if (const auto wrong = check_token(token); !wrong.empty())
    return std::unexpected(fmt::format("file \"{}\" holds no token: {}", path, wrong));
  return token;
}

}  // namespace weft
