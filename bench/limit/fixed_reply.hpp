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

inline constexpr std::string_view before_id = R"({"jsonrpc":"2.0","id":)";
inline constexpr std::string_view after_id = R"(,"result":"ok"})";

inline void append_header(std::string& output, std::size_t payload_bytes) {
  std::uint32_t length = __builtin_bswap32(static_cast<std::uint32_t>(payload_bytes));
  output.append(reinterpret_cast<const char*>(&length), sizeof length);
}

inline void append_reply(std::string& output, std::string_view id) {
  append_header(output, before_id.size() + id.size() + after_id.size());
  output += before_id;
  output += id;
  output += after_id;
}

/// An array with a reply for every id in the batch.
inline void append_batch_reply(std::string& output, std::string_view batch) {
  constexpr std::string_view key = "\"id\":";
  std::string payload(1, '[');
  for (std::size_t at = 0; (at = batch.find(key, at)) != std::string_view::npos; at += key.size()) {
    if (payload.size() > 1) payload += ',';
    payload += before_id;
    payload += find_id(batch.substr(at));
    payload += after_id;
  }
  payload += ']';
  append_header(output, payload.size());
  output += payload;
}

/// Appends a reply for every whole frame in `input`; returns how many bytes they took.
inline std::size_t answer_frames(std::string_view input, std::string& output) {
  std::string_view rest = input;
  while (rest.size() >= 4) {
    std::size_t length = frame_length(rest);
    if (rest.size() - 4 < length) break;
    std::string_view message = rest.substr(4, length);
    if (message.starts_with('[')) {
      append_batch_reply(output, message);
    } else {
      append_reply(output, find_id(message));
    }
    rest.remove_prefix(4 + length);
  }
  return input.size() - rest.size();
}

}  // namespace weft::limit
