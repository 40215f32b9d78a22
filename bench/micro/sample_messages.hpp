// The messages that codec and scanner are measured with.
#pragma once

#include <string>

namespace weft::bench {

/// 60 bytes or so: what most calls look like.
inline std::string small_request() {
  return R"({"jsonrpc":"2.0","id":1,"method":"demo.echo","params":[1,2]})";
}

/// A string of 4 KiB as parameter.
inline std::string long_string_request() {
  std::string text;
  while (text.size() < 4096) text += "The quick brown fox jumps over the lazy dog. ";
  text.resize(4096);
  return R"({"jsonrpc":"2.0","id":2,"method":"demo.echo","params":[")" + text + R"("]})";
}

/// 4 KiB of objects within objects: short names, numbers, words.
inline std::string nested_request() {
  std::string items;
  for (int i = 0; items.size() < 4096; ++i) {
    const std::string n = std::to_string(i);
    items += std::string(i == 0 ? "" : ",") + R"({"sku":"A-)" + n + R"(","count":)" + n +
             R"(,"price":{"amount":)" + n +
             R"(.25,"currency":"EUR"},"tags":["new",true,null],"stock":{"site":{"row":)" + n +
             R"(,"bin":-7}}})";
  }
  return R"({"jsonrpc":"2.0","id":3,"method":"order.put","params":{"items":[)" + items + "]}}";
}

/// The same as Python's `json.dumps` writes it, with a space behind each comma and colon.
inline std::string spaced_request() {
  std::string text;
  bool in_string = false;
  for (const char c : nested_request()) {
    text += c;
    if (c == '"') in_string = !in_string;
    if (!in_string && (c == ',' || c == ':')) text += ' ';
  }
  return text;
}

/// The same with escapes and non-ASCII text in every other currency.
inline std::string multilingual_request() {
  std::string text = nested_request();
  for (std::size_t at = 0, i = 0; (at = text.find("EUR", at)) != std::string::npos; ++at, ++i) {
    if (i % 2 == 0) text.replace(at, 3, i % 4 == 0 ? R"(\u20ac\n)" : "\xE5\x86\x86");
  }
  return text;
}

inline std::string batch_of(int count) {
  std::string batch = "[";
  for (int i = 0; i < count; ++i) {
    batch += std::string(i == 0 ? "" : ",") + R"({"jsonrpc":"2.0","id":)" + std::to_string(i) +
             R"(,"method":"demo.echo","params":[1,2]})";
  }
  return batch + "]";
}

}  // namespace weft::bench
