// How OpenSSL reads and writes a descriptor here: without SIGPIPE, and so that whoever explains an error
// knows what the system said, that the stream has ended, and what its first bytes were.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "actors/tls/handles.hpp"

namespace weft::tls {

/// A socket that somebody else owns, as its BIO sees it.
struct channel {
  int descriptor = -1;
  /// The errno of the last call that failed, 0 when none has.
  int error = 0;
  bool ended = false;
  /// The first bytes that came.
  std::array<char, 24> beginning{};
  std::size_t beginning_size = 0;

  std::string_view first_bytes() const noexcept { return {beginning.data(), beginning_size}; }
};

/// `through` must outlive it. Null when there is no memory.
bio_ptr make_descriptor_bio(channel& through);

}  // namespace weft::tls
