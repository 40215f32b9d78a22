// Whole files as text, with a check for those that hold secrets.
#pragma once

#include <cstddef>
#include <expected>
#include <string>

namespace weft {

/// More than any file has that a node is configured with: one that never ends, such as /dev/zero, is refused.
inline constexpr std::size_t most_file_bytes = std::size_t{16} << 20;

/// The error is the reason without the path.
std::expected<std::string, std::string> read_file(const std::string& path);

/// A file that holds secrets: refused when it belongs to this user and others may read or write it. One that
/// belongs to somebody else is taken as it is, since its owner decides, as Docker does for its secrets;
/// OpenSSH treats private keys so (sshkey_perm_ok in its authfile.c). The error is a sentence that names the
/// path.
std::expected<std::string, std::string> read_secret_file(const std::string& path);

/// The one token that a file holds, without the white space around it, checked to be one.
std::expected<std::string, std::string> read_token_file(const std::string& path);

}  // namespace weft
