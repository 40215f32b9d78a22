// Random JSON and JSON-RPC texts from a seeded generator, and damage done to them.
#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <string_view>

namespace weft::test {

class random_json {
 public:
  explicit random_json(std::uint64_t seed) : engine_(seed) {}

  /// A number in [0, bound).
  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(engine_);
  }

  /// Well-formed JSON of any type.
  std::string value(std::size_t depth = 4) {
    switch (below(depth == 0 ? 4 : 6)) {
      case 0:
        return pick({"true", "false", "null"});
      case 1:
        return number();
      case 2:
      case 3:
        return string();
      case 4:
        return container('[', ']', depth, false);
      default:
        return container('{', '}', depth, true);
    }
  }

  /// An object with members of JSON-RPC messages, often a message, sometimes with escaped names.
  std::string message() {
    std::string text = "{";
    for (std::size_t left = 1 + below(6); left > 0; --left) {
      text += space() + member() + space();
      if (left > 1) text += ',';
    }
    return text + '}';
  }

  /// The text with one to four bytes or chunks changed; it may or may not still be JSON.
  std::string damage(std::string text) {
    for (std::size_t left = 1 + below(4); left > 0; --left) damage_once(text);
    return text;
  }

 private:
  std::string pick(std::initializer_list<std::string_view> choices) {
    return std::string(*(choices.begin() + below(choices.size())));
  }

  std::string space() { return pick({"", "", "", "", " ", "\n", "\t\r ", "      "}); }

  std::string number() {
    std::string text = pick({"", "-"}) + pick({"0", "7", "42", "18446744073709551616", "9007199254740993"});
    if (below(3) == 0) text += pick({".0", ".5", ".000125"});
    if (below(3) == 0) text += pick({"e1", "E-3", "e+20"});
    return text;
  }

  std::string string() {
    std::string text = "\"";
    for (std::size_t left = below(below(8) == 0 ? 60 : 8); left > 0; --left) {
      text += pick({"a", "b", "xyz", " ", "0123456789abcdef", "/", "\\n", "\\\"", "\\\\", "\\/", "\\u0000",
                    "\\u00e9", "\\uD83D\\uDE00", "\u00e9", "\u4e2d", "\U0001F600", "\x7F", "\u07FF\uFFFF"});
    }
    return text + '"';
  }

  std::string container(char open, char close, std::size_t depth, bool with_names) {
    std::string text(1, open);
    text += space();
    for (std::size_t left = below(4); left > 0; --left) {
      if (with_names) text += string() + space() + ':' + space();
      text += value(depth - 1) + space();
      if (left > 1) text += ',' + space();
    }
    return text + close;
  }

  std::string member() {
    switch (below(8)) {
      case 0:
        return R"("jsonrpc": "2.0")";
      case 1:
        return R"("id":)" + pick({"1", "\"a\"", "null", "-0.5", "1e2"});
      case 2:
        return pick({R"("method")", R"("\u006dethod")"}) + ':' + string();
      case 3:
        return R"("params":)" + pick({"[]", "{}", "null", R"([1,{"a":2}])"});
      case 4:
        return R"("result":)" + value(2);
      case 5:
        return R"("error":{"code":-1,"message":)" + string() + "}";
      case 6:
        return pick(
            {R"("deadline_ms":5)", R"("traceparent":"x")", R"("stream":{"credit":1})", R"("route_key":"k")"});
      default:
        return string() + ':' + value(2);
    }
  }

  void damage_once(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    switch (below(4)) {
      case 0:
        text = text.substr(0, at);
        return;
      case 1:
        text.erase(at, 1 + below(3));
        return;
      case 2:
        if (at < text.size()) text[at] = static_cast<char>(below(256));
        return;
      default:
        text.insert(at, pick({"{",
                              "}",
                              "[",
                              "]",
                              ",",
                              ":",
                              "\"",
                              "\\",
                              "0",
                              "-",
                              ".",
                              "e",
                              "\\u",
                              "\\uD800",
                              "true",
                              "nul",
                              "\xC0\x80",
                              "\xED\xA0\x80",
                              "\xF4\x90\x80\x80",
                              "\xFF",
                              "\x80",
                              "\n",
                              "\x01",
                              "\xEF\xBB\xBF",
                              "/**/",
                              "NaN",
                              "'"}));
    }
  }

  std::mt19937_64 engine_;
};

}  // namespace weft::test
