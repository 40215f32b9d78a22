// Opens files that somebody else may put in place, and tells who may read them.
//
// Thread safety: functions without state. Errors: a text for the operator, without the path.
#pragma once

#include <cstdio>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace weft {

using file_stream = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

/// To read from, without waiting for anybody: a FIFO is refused, since whoever writes into it may never come.
/// What a shell hands over (<(…), /dev/stdin) has its writer already.
std::expected<file_stream, std::string> open_file(const std::string& path);

/// Empty when nobody but this user can read `file`, or it belongs to somebody else, whose decision that is.
/// Asks the open file, so that it cannot be another one than the one that is read. `secret` is what it holds.
std::string check_owner_only(std::FILE* file, std::string_view path, std::string_view secret);

}  // namespace weft
