#include "proto/stream.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "proto/json/json_scanner.hpp"
#include "proto/json/number.hpp"

namespace weft::proto {
namespace {

constexpr std::int64_t most_exact = std::int64_t{1} << 53;

struct name_slot {
  std::string_view name;
  std::string_view stream_members::* slot;
};

constexpr name_slot slots[] = {
    {"id", &stream_members::id},         {"seq", &stream_members::seq},
    {"value", &stream_members::value},   {"cursor", &stream_members::cursor},
    {"credit", &stream_members::credit}, {"bytes", &stream_members::bytes},
    {"error", &stream_members::error},   {"after", &stream_members::after},
};

struct message_name {
  std::string_view name;
  stream_message which;
};

constexpr message_name names[] = {
    {"item", stream_message::item}, {"credit", stream_message::credit}, {"accept", stream_message::accept},
    {"send", stream_message::send}, {"end", stream_message::end},       {"throw", stream_message::raise},
};

std::string_view name_of(stream_message which) noexcept {
  return std::ranges::find(names, which, &message_name::which)->name;
}

void begin(std::string& out, std::string_view name) {
  out += R"({"jsonrpc":"2.0","method":"$/stream/)";
  out += name;
  out += R"(","params":)";
}

bool take(std::string_view& rest, std::string_view what) noexcept {
  if (!rest.starts_with(what)) return false;
  rest.remove_prefix(what.size());
  return true;
}

/// A number, or a string without escapes; empty where `rest` begins with something else.
std::string_view take_scalar(std::string_view& rest) noexcept {
  std::size_t size = 0;
  if (rest.starts_with('"')) {
    const auto quote = rest.find('"', 1);
    if (quote == std::string_view::npos || rest[quote - 1] == '\\') return {};
    size = quote + 1;
  } else {
    // All that a number has; valid JSON has it nowhere else outside of strings but in literals, which begin
    // with none of it.
    const auto in_number = [](char c) {
      return (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '+' || c == 'e' || c == 'E';
    };
    while (size < rest.size() && in_number(rest[size])) ++size;
  }
  const auto scalar = rest.substr(0, size);
  rest.remove_prefix(size);
  return scalar;
}

/// The members of an item as nearly everybody writes it, in this order, without space, and with scalars.
/// False when it is another text, for which `out` is left as it was.
bool read_usual_item(std::string_view raw, stream_members& out) noexcept {
  stream_members found;
  if (!take(raw, R"({"id":)")) return false;
  found.id = take_scalar(raw);
  if (!take(raw, R"(,"seq":)")) return false;
  found.seq = take_scalar(raw);
  if (!take(raw, R"(,"value":)")) return false;
  found.value = take_scalar(raw);
  if (take(raw, R"(,"cursor":)")) {
    found.cursor = take_scalar(raw);
    if (found.cursor.empty()) return false;
  }
  if (raw != "}" || found.id.empty() || found.seq.empty() || found.value.empty()) return false;
  out = found;
  return true;
}

}  // namespace

std::optional<stream_message> find_stream_message(std::string_view method) noexcept {
  if (!method.starts_with(stream_prefix)) return std::nullopt;
  const auto* found = std::ranges::find(names, method.substr(stream_prefix.size()), &message_name::name);
  return found == std::end(names) ? std::nullopt : std::optional(found->which);
}

bool read_stream_members(std::string_view raw, stream_members& out) noexcept {
  if (read_usual_item(raw, out)) return true;
  const block_readable text(raw);
  json_scanner scanner(text);
  scanner.expect_one_large_container();
  const char* at = scanner.begin();
  if (scanner.peek(at) != '{') return false;
  at = scanner.skip_space(at + 1);
  if (scanner.peek(at) == '}') return true;
  for (;;) {
    const char* const name = at + 1;
    const char* const behind = scanner.skip_string(name);
    if (behind == nullptr) return false;
    const char* const value = scanner.skip_colon(behind);
    if (value == nullptr) return false;
    at = scanner.skip_value(value, depth_limit);
    if (at == nullptr) return false;
    const std::string_view called(name, behind - 1);
    const auto* slot = std::ranges::find(slots, called, &name_slot::name);
    if (slot != std::end(slots)) {
      auto& span = out.*slot->slot;
      if (!span.empty()) {
        out.repeated = slot->name;
      } else {
        span = raw.substr(static_cast<std::size_t>(value - scanner.begin()),
                          static_cast<std::size_t>(at - value));
      }
    }
    at = scanner.skip_space(at);
    if (scanner.peek(at) != ',') return out.repeated.empty();
    at = scanner.skip_space(at + 1);
  }
}

std::optional<std::int64_t> read_count(std::string_view raw) noexcept {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), count);
  if (error == std::errc() && end == raw.data() + raw.size())
    return count < 0 ? std::nullopt : std::optional(std::min(count, most_exact));
  const auto number = raw.empty() ? std::nullopt : parse_double(raw);
  if (!number || *number < 0 || std::floor(*number) != *number) return std::nullopt;
  return *number >= static_cast<double>(most_exact) ? most_exact : static_cast<std::int64_t>(*number);
}

std::optional<stream_grant> read_grant(const stream_members& members) noexcept {
  const auto items = read_count(members.credit);
  const auto bytes = members.bytes.empty() ? std::nullopt : read_count(members.bytes);
  if (!items || (!bytes && !members.bytes.empty())) return std::nullopt;
  return stream_grant{*items, bytes};
}

void append_stream_members(std::string& out, const stream_members& members) {
  char before = '{';
  for (const auto& [name, slot] : slots) {
    const auto value = members.*slot;
    if (value.empty()) continue;
    out += before;
    out += '"';
    out += name;
    out += R"(":)";
    out += value;
    before = ',';
  }
  if (before == '{') out += '{';
  out += '}';
}

void append_stream_message(std::string& out, stream_message which, const stream_members& members) {
  begin(out, name_of(which));
  append_stream_members(out, members);
  out += '}';
}

void append_stream_item(std::string& out, std::string_view raw_id, std::int64_t seq,
                        std::string_view raw_value, std::string_view raw_cursor) {
  constexpr std::string_view before_id = R"({"jsonrpc":"2.0","method":"$/stream/item","params":{"id":)";
  constexpr std::string_view before_seq = R"(,"seq":)";
  constexpr std::string_view before_value = R"(,"value":)";
  constexpr std::string_view before_cursor = R"(,"cursor":)";
  constexpr std::string_view end = "}}";
  const count_text count(seq);
  const std::string_view raw_seq = count;
  const std::size_t start = out.size();
  const std::size_t frame_bytes = before_id.size() + before_seq.size() + before_value.size() + end.size() +
                                  (raw_cursor.empty() ? 0 : before_cursor.size());
  const std::size_t size =
      frame_bytes + raw_id.size() + raw_seq.size() + raw_value.size() + raw_cursor.size();
  // Room for all pieces at once: nothing else is done so often for each item.
  out.resize_and_overwrite(start + size, [&](char* text, std::size_t) {
    char* at = text + start;
    const auto put = [&at](std::string_view piece) {
      std::memcpy(at, piece.data(), piece.size());
      at += piece.size();
    };
    put(before_id);
    put(raw_id);
    put(before_seq);
    put(raw_seq);
    put(before_value);
    put(raw_value);
    if (!raw_cursor.empty()) {
      put(before_cursor);
      put(raw_cursor);
    }
    put(end);
    // Not the size that is passed: libstdc++ 12 passes what it allocated.
    return start + size;
  });
}

count_text::count_text(std::int64_t count) noexcept
    : size_(static_cast<std::size_t>(std::to_chars(digits_, digits_ + sizeof digits_, count).ptr - digits_)) {
}

std::string stream_member(std::int64_t credit, std::int64_t bytes, std::string_view raw_after) {
  const count_text items(credit);
  const count_text window(std::max<std::int64_t>(bytes, 0));
  stream_members members;
  members.credit = items;
  if (bytes >= 0) members.bytes = window;
  members.after = raw_after;
  std::string out;
  append_stream_members(out, members);
  return out;
}

}  // namespace weft::proto
