#include "proto/error_object.hpp"

#include <algorithm>

#include "proto/json/json_escape.hpp"

namespace weft::proto {
namespace {

void note_member(error_members& members, std::string_view raw_name, std::string_view value) noexcept {
  char buffer[6 * std::string_view("message").size()];
  const std::string_view name = decode_short(raw_name, buffer);
  if (name == "code") members.code = value;
  if (name == "message") members.message = value;
  if (name == "data") members.data = value;
}

}  // namespace

error_members read_error_members(const block_readable& error_object) noexcept {
  json_scanner scanner(error_object);
  error_members members;
  const char* at = scanner.skip_space(scanner.begin());
  if (scanner.peek(at) != '{') return {};
  at = scanner.skip_space(at + 1);
  while (scanner.peek(at) == '"') {
    const char* name = at + 1;
    const char* name_end = scanner.skip_string(name);
    if (name_end == nullptr) return {};
    const char* value = scanner.skip_colon(name_end);
    const char* value_end = value == nullptr ? nullptr : scanner.skip_value(value, depth_limit);
    if (value_end == nullptr) return {};
    note_member(members, {name, name_end - 1}, {value, value_end});
    at = scanner.skip_space(value_end);
    if (scanner.peek(at) == '}') return members;
    if (scanner.peek(at) != ',') return {};
    at = scanner.skip_space(at + 1);
  }
  return {};
}

bool is_well_formed(const error_members& members) noexcept {
  if (members.code.empty() || !members.message.starts_with('"')) return false;
  const std::string_view digits = members.code.substr(members.code.starts_with('-') ? 1 : 0);
  return std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace weft::proto
