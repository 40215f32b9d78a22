// The least that a method that streams can do: the numbers from 0 to the member `to` of its params, each an
// item with its number as value and cursor, as far as they are granted, and then the answer. What comes is
// read by scanning bytes, and everything that asks for no stream is answered with "ok".
#pragma once

#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>

#include "bench/limit/fixed_reply.hpp"

namespace weft::limit {

/// The number behind the first `key`, which ends with a colon; `otherwise` when there is none.
inline std::int64_t number_behind(std::string_view text, std::string_view key, std::int64_t otherwise) {
  std::size_t at = text.find(key);
  if (at == std::string_view::npos) return otherwise;
  std::int64_t number = otherwise;
  std::from_chars(text.data() + at + key.size(), text.data() + text.size(), number);
  return number;
}

/// The streams of one connection.
class item_source {
 public:
  /// Reads a message and writes what follows from it.
  void on_message(std::string_view message, std::string& output) {
    // The first is the caller's, and requests have their method behind their id.
    std::string_view id = find_id(message);
    if (message.find("\"method\":\"$/") != std::string_view::npos)
      return on_notification(message, id, output);
    if (message.find("\"stream\":{") == std::string_view::npos) {
      if (id != "null") append_reply(output, id);
      return;
    }
    stream& opened = streams_[std::string(id)];
    opened.last = number_behind(message, "\"to\":", -1);
    opened.credit = number_behind(message, "\"credit\":", 0);
    opened.bytes = number_behind(message, "\"bytes\":", std::numeric_limits<std::int64_t>::max());
    send_items(id, opened, output);
  }

 private:
  struct stream {
    std::int64_t next = 0;
    std::int64_t last = 0;
    std::int64_t credit = 0;
    /// Of values, without any once it is not above 0.
    std::int64_t bytes = 0;
  };

  void on_notification(std::string_view message, std::string_view id, std::string& output) {
    auto found = streams_.find(std::string(id));
    if (found == streams_.end()) return;
    if (message.find("$/stream/credit") != std::string_view::npos) {
      found->second.credit += number_behind(message, "\"credit\":", 0);
      found->second.bytes += number_behind(message, "\"bytes\":", 0);
      send_items(id, found->second, output);
    } else if (message.find("$/cancelRequest") != std::string_view::npos) {
      end(id, output);
    }
  }

  void send_items(std::string_view id, stream& of, std::string& output) {
    for (; of.next <= of.last && of.credit > 0 && of.bytes > 0; ++of.next, --of.credit) {
      char digits[20];
      std::string_view number(digits, std::to_chars(digits, digits + sizeof digits, of.next).ptr - digits);
      append_header(output, before_item.size() + id.size() + before_seq.size() + number.size() +
                                before_value.size() + number.size() + before_cursor.size() + number.size() +
                                2);
      output += before_item;
      output += id;
      output += before_seq;
      output += number;
      output += before_value;
      output += number;
      output += before_cursor;
      output += number;
      output += "}}";
      of.bytes -= static_cast<std::int64_t>(number.size());
    }
    if (of.next > of.last && of.credit > 0) end(id, output);
  }

  void end(std::string_view id, std::string& output) {
    append_reply(output, id);
    streams_.erase(std::string(id));
  }

  static constexpr std::string_view before_item =
      R"({"jsonrpc":"2.0","method":"$/stream/item","params":{"id":)";
  static constexpr std::string_view before_seq = R"(,"seq":)";
  static constexpr std::string_view before_value = R"(,"value":)";
  static constexpr std::string_view before_cursor = R"(,"cursor":)";

  std::unordered_map<std::string, stream> streams_;
};

}  // namespace weft::limit
