#include "node/gen/names.hpp"

#include <algorithm>
#include <utility>

namespace weft::gen {
namespace {

bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return is_upper(c) || (c >= 'a' && c <= 'z');
}
char lower(char c) {
  return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}
char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

/// "users.getAll" as users, get, All.
std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> found;
  char before = '.';
  for (const char c : text) {
    const bool inside = is_letter(c) || is_digit(c);
    const bool begins = !is_letter(before) && !is_digit(before);
    const bool hump = is_upper(c) && !is_upper(before) && !begins;
    if (inside && (begins || hump)) found.emplace_back();
    if (inside) found.back() += c;
    before = c;
  }
  return found;
}

}  // namespace

bool is_identifier(std::string_view text) {
  return !text.empty() && !is_digit(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

std::string identifier(std::string_view text) {
  std::string made;
  for (const char c : text) {
    if (is_letter(c) || is_digit(c) || c == '_') {
      made += c;
    } else if (!made.ends_with('_')) {
      made += '_';
    }
  }
  if (made.empty() || !is_letter(made.front())) made.insert(0, "m");
  return made;
}

std::string pascal_case(std::string_view text) {
  std::string made;
  for (const auto& word : words(text)) {
    made += upper(word.front());
    made += word.substr(1);
  }
  if (made.empty() || is_digit(made.front())) made.insert(0, "T");
  return made;
}

std::string snake_case(std::string_view text) {
  std::string made;
  for (const auto& word : words(text)) {
    if (!made.empty()) made += '_';
    for (const char c : word) made += lower(c);
  }
  if (made.empty() || is_digit(made.front())) made.insert(0, "t");
  return made;
}

std::string scope::take(std::string wanted) {
  if (reserved_->contains(wanted)) wanted += '_';
  auto name = wanted;
  for (int number = 2; !taken_.insert(name).second; ++number) name = wanted + "_" + std::to_string(number);
  return name;
}

std::string free_identifier(std::string_view text, const scope& outside) {
  auto made = identifier(text);
  while (outside.has(made)) made += '_';
  return made;
}

}  // namespace weft::gen
