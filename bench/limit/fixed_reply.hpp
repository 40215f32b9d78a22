// The least that a JSON-RPC server can do: cut frames, find the id by scanning bytes, answer "ok".
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace weft::limit {

inline std::uint32_t frame_length(std::string_view bytes) {
  std::uint32_t length;
  std::memcpy(&length, bytes.data(), sizeof length);
  return __builtin_bswap32(length);
}

/// The id's bytes; trusts the client to send JSON whose first `"id":` is the request's.
inline std::string_view find_id(std::string_view request) {
  constexpr std::string_view key = "\"id\":";
  std::size_t at = request.find(key);
  if (at == std::string_view::npos) return "null";
  std::string_view rest = request.substr(at + key.size());
  return rest.substr(0, rest.find_first_of(",}"));
}

inline void append_reply(std::string& output, std::string_view id) {
  constexpr std::string_view before = R"({"jsonrpc":"2.0","id":)";
  constexpr std::string_view after = R"(,"result":"ok"})";
  std::uint32_t length =
      __builtin_bswap32(static_cast<std::uint32_t>(before.size() + id.size() + after.size()));
  output.append(reinterpret_cast<const char*>(&length), sizeof length);
  output += before;
  output += id;
  output += after;
}

/// Appends a reply for every whole frame in `input`; returns how many bytes they took.
inline std::size_t answer_frames(std::string_view input, std::string& output) {
  std::string_view rest = input;
  while (rest.size() >= 4) {
    std::size_t length = frame_length(rest);
    if (rest.size() - 4 < length) break;
    append_reply(output, find_id(rest.substr(4, length)));
    rest.remove_prefix(4 + length);
  }
  return input.size() - rest.size();
}

}  // namespace weft::limit
