// The members of a message by name: which of them an envelope has a place for, and where. For envelope.cpp.
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "proto/envelope.hpp"
#include "proto/json/json_escape.hpp"

namespace weft::proto {

enum class member : unsigned {
#define WEFT_ENVELOPE_MEMBER(name) name,
#include "proto/envelope_members.inc"
#undef WEFT_ENVELOPE_MEMBER
  jsonrpc,
  unknown,
};

/// Where the members go that an envelope has, in the order of `member`.
inline constexpr std::string_view envelope::* member_slots[] = {
#define WEFT_ENVELOPE_MEMBER(name) &envelope::name,
#include "proto/envelope_members.inc"
#undef WEFT_ENVELOPE_MEMBER
};

/// In the order of `member`, too.
inline constexpr std::string_view member_names[] = {
#define WEFT_ENVELOPE_MEMBER(name) #name,
#include "proto/envelope_members.inc"
#undef WEFT_ENVELOPE_MEMBER
    "jsonrpc",
};

inline constexpr std::size_t longest_member_name =
    std::ranges::max(member_names, {}, &std::string_view::size).size();

constexpr unsigned bit(member which) noexcept {
  return 1U << static_cast<unsigned>(which);
}

/// Among the members of one length, so that what is compared has a constant number of bytes.
template <std::size_t Length>
member find_member_of(std::string_view name) noexcept {
  return [&]<std::size_t... Index>(std::index_sequence<Index...>) {
    member found = member::unknown;
    (void)((member_names[Index].size() == Length && name.substr(0, Length) == member_names[Index] &&
            (found = static_cast<member>(Index), true)) ||
           ...);
    return found;
  }(std::make_index_sequence<std::size(member_names)>{});
}

inline member find_member(std::string_view name) noexcept {
  return [&]<std::size_t... Length>(std::index_sequence<Length...>) {
    member found = member::unknown;
    (void)((name.size() == Length && (found = find_member_of<Length>(name), true)) || ...);
    return found;
  }(std::make_index_sequence<longest_member_name + 1>{});
}

[[gnu::noinline]] inline member find_escaped_member(std::string_view raw_name) noexcept {
  char buffer[6 * longest_member_name];
  return find_member(decode_short(raw_name, buffer));
}

/// The usual members in their usual spelling, recognized with their quotes by comparing words, which is
/// cheaper than finding the end of the name first. Returns the position behind the closing quote, nullptr for
/// all other names.
inline const char* skip_usual_name(const char* at, const char* end, member& which) noexcept {
  constexpr std::size_t longest = std::string_view("\"jsonrpc\"").size();
  if (static_cast<std::size_t>(end - at) < longest) return nullptr;
  const auto is = [&]<std::size_t N>(const char(&quoted)[N], member found) {
    which = found;
    return std::memcmp(at, quoted, N - 1) == 0;
  };
  if (is("\"id\"", member::id)) return at + 4;
  if (is("\"method\"", member::method) || is("\"params\"", member::params)) return at + 8;
  if (is("\"jsonrpc\"", member::jsonrpc)) return at + 9;
  if (is("\"result\"", member::result)) return at + 8;
  return nullptr;
}

}  // namespace weft::proto
