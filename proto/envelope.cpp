#include "proto/envelope.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "proto/envelope_member.hpp"
#include "proto/error_object.hpp"
#include "proto/json/json_escape.hpp"
#include "proto/json/json_scanner.hpp"

namespace weft::proto {
namespace {

/// Any name; `at` stands at its opening quote. Returns the position behind the closing one, or nullptr.
const char* skip_member_name(json_scanner& scanner, const char* at, member& which) noexcept {
  if (const char* behind = skip_usual_name(at, scanner.end(), which)) return behind;
  if (scanner.peek(at) != '"') return scanner.fail(defect::unexpected_character, at);
  scanner.escape_seen = false;
  const char* const behind = scanner.skip_string(at + 1);
  if (behind == nullptr) return nullptr;
  const std::string_view name(at + 1, behind - 1);
  which = scanner.escape_seen ? find_escaped_member(name) : find_member(name);
  return behind;
}

constexpr std::string_view version_2 = "\"2.0\"";

bool starts_with_version_2(const char* at, const char* end) noexcept {
  return static_cast<std::size_t>(end - at) >= version_2.size() &&
         std::memcmp(at, version_2.data(), version_2.size()) == 0;
}

bool is_version_2(std::string_view value) noexcept {
  return value.size() == version_2.size() && starts_with_version_2(value.begin(), value.end());
}

/// A message's members as they came, before anything is made of them.
struct raw_message {
  unsigned seen = 0;
  unsigned twice = 0;
  std::string_view version;
  bool method_escaped = false;

  bool has(member which) const noexcept { return (seen & bit(which)) != 0; }

  void note(member which, std::string_view value, envelope& out) noexcept {
    twice |= seen & bit(which);
    seen |= bit(which);
    (which == member::jsonrpc ? version : out.*member_slots[static_cast<unsigned>(which)]) = value;
  }
};

/// `at` stands at the opening brace. Returns the position behind the closing one, nullptr when it is not
/// JSON.
const char* skip_message(json_scanner& scanner, const char* at, std::size_t max_depth, raw_message& raw,
                         envelope& out) noexcept {
  if (max_depth == 0) return scanner.fail(defect::too_deep, at);
  at = scanner.skip_space(at + 1);
  if (scanner.peek(at) == '}') return at + 1;
  for (;;) {
    member which = member::unknown;
    const char* const name_end = skip_member_name(scanner, at, which);
    if (name_end == nullptr) return nullptr;
    const char* const value = scanner.skip_colon(name_end);
    if (value == nullptr) return nullptr;
    scanner.escape_seen = false;
    // The version is nearly always there and the same, so one comparison spares a scan.
    at = which == member::jsonrpc && starts_with_version_2(value, scanner.end())
             ? value + version_2.size()
             : scanner.skip_value(value, max_depth - 1);
    if (at == nullptr) return nullptr;
    if (which != member::unknown) raw.note(which, {value, at}, out);
    if (which == member::method) raw.method_escaped = scanner.escape_seen;

    at = scanner.skip_space(at);
    const char next = scanner.peek(at);
    if (next == '}') return at + 1;
    if (next != ',') return scanner.fail(defect::unexpected_character, at);
    at = scanner.skip_space(at + 1);
  }
}

defect check_version(const raw_message& raw, const scan_options& options) noexcept {
  if (!raw.has(member::jsonrpc)) return options.require_version ? defect::version_missing : defect::none;
  if (is_version_2(raw.version)) return defect::none;
  if (!raw.version.starts_with('"')) return defect::version_unsupported;
  char buffer[6 * std::string_view("2.0").size()];
  const std::string_view content = raw.version.substr(1, raw.version.size() - 2);
  return decode_short(content, buffer) == "2.0" ? defect::none : defect::version_unsupported;
}

bool is_scalar_id(std::string_view value) noexcept {
  const char first = value.front();
  return first == '"' || first == '-' || (first >= '0' && first <= '9') || first == 'n';
}

/// The id is to be echoed only if there is exactly one and it is a string, a number or null.
bool has_usable_id(const raw_message& raw, const envelope& message) noexcept {
  return raw.has(member::id) && (raw.twice & bit(member::id)) == 0 && is_scalar_id(message.id);
}

/// JSON-RPC 1.0 has both members always, the one that does not apply is null
/// (https://www.jsonrpc.org/specification_v1#a1.2Response); Go's standard library and bitcoind answer so.
void drop_null_half(envelope& message) noexcept {
  if (message.result.empty() || message.error.empty()) return;
  if (message.error.starts_with('n')) {
    message.error = {};
  } else if (message.result.starts_with('n')) {
    message.result = {};
  } else {
    return;
  }
  message.old_form = true;
}

defect check_response(const raw_message& raw, const envelope& message, const scan_options& options) noexcept {
  if (!has_usable_id(raw, message)) return defect::response_without_id;
  if (message.result.empty() == message.error.empty()) return defect::result_and_error;
  if (raw.twice != 0 || check_version(raw, options) != defect::none) return defect::error_malformed;
  if (!message.result.empty()) return defect::none;
  const block_readable error_object(message.error);
  return is_well_formed(read_error_members(error_object)) ? defect::none : defect::error_malformed;
}

defect check_request(const raw_message& raw, const envelope& message, const scan_options& options) noexcept {
  if (raw.twice != 0) return defect::duplicate_member;
  if (raw.has(member::id) && !is_scalar_id(message.id)) return defect::id_not_scalar;
  if (const defect version = check_version(raw, options); version != defect::none) return version;
  if (!raw.has(member::method)) return defect::method_missing;
  if (!message.method.starts_with('"')) return defect::method_not_string;
  if (!raw.has(member::params)) return defect::none;
  const char first = message.params.front();
  return first == '{' || first == '[' || first == 'n' ? defect::none : defect::params_not_structured;
}

/// Decides what the message is, and brings `method` and `params` into the shape that callers see.
void classify(const raw_message& raw, const scan_options& options, envelope& message) noexcept {
  const bool has_outcome = (raw.seen & (bit(member::result) | bit(member::error))) != 0;
  if (!raw.has(member::method) && has_outcome) {
    drop_null_half(message);
    message.why = check_response(raw, message, options);
    message.kind = message.why == defect::none ? message_kind::response : message_kind::invalid;
  } else {
    message.why = check_request(raw, message, options);
    if (message.why == defect::none) {
      message.kind = raw.has(member::id) ? message_kind::request : message_kind::notification;
    }
  }
  if (message.method.starts_with('"')) {
    message.method = message.method.substr(1, message.method.size() - 2);
    message.method_escaped = raw.method_escaped;
  }
  if (message.params.starts_with('n')) message.params = {};
  if (message.kind == message_kind::invalid && !has_usable_id(raw, message)) message.id = {};
}

/// Moves `at` behind these bytes, if they are what comes.
bool skip_text(const json_scanner& scanner, const char*& at, std::string_view what) noexcept {
  if (static_cast<std::size_t>(scanner.end() - at) < what.size()) return false;
  if (std::memcmp(at, what.data(), what.size()) != 0) return false;
  at += what.size();
  return true;
}

/// The same for a value.
bool skip_member(json_scanner& scanner, const char*& at, std::string_view name, std::size_t room) noexcept {
  if (!skip_text(scanner, at, name)) return false;
  at = scanner.skip_value(at, room);
  return at != nullptr;
}

/// An item of a stream as nearly everybody writes it: nothing comes as often, and few texts are so much
/// longer than what they carry. Returns the position behind it, nullptr when it is anything else, also a
/// wrong one.
const char* skip_usual_item(const json_scanner& of, const char* at, std::size_t max_depth,
                            envelope& out) noexcept {
  constexpr std::string_view head = R"({"jsonrpc":"2.0","method":"$/stream/item","params":)";
  constexpr std::string_view name = "$/stream/item";
  const char* const start = at;
  if (max_depth < 2 || !skip_text(of, at, head)) return nullptr;
  // What fails here is looked at again, and says then what is wrong.
  json_scanner scanner = of;
  const char* const params = at;
  const std::size_t room = max_depth - 2;
  if (!skip_member(scanner, at, R"({"id":)", room) || !skip_member(scanner, at, R"(,"seq":)", room) ||
      !skip_member(scanner, at, R"(,"value":)", room))
    return nullptr;
  if (scanner.peek(at) == ',' && !skip_member(scanner, at, R"(,"cursor":)", room)) return nullptr;
  const char* const params_end = at + 1;
  if (!skip_text(scanner, at, "}}")) return nullptr;
  out.kind = message_kind::notification;
  out.method = {start + head.find(name), name.size()};
  out.params = {params, params_end};
  out.text = {start, at};
  return at;
}

const char* scan_message(json_scanner& scanner, const char* at, const scan_options& options,
                         envelope& out) noexcept {
  if (const char* const behind = skip_usual_item(scanner, at, options.max_depth, out)) return behind;
  raw_message raw;
  const char* const behind = skip_message(scanner, at, options.max_depth, raw, out);
  if (behind == nullptr) return nullptr;
  out.text = {at, behind};
  classify(raw, options, out);
  return behind;
}

/// An element of a batch: a message, or whatever else stands there, which is an invalid one.
const char* scan_element(json_scanner& scanner, const char* at, const scan_options& options, envelope& out) {
  if (scanner.peek(at) == '{') return scan_message(scanner, at, options, out);
  const char* const behind = scanner.skip_value(at, options.max_depth);
  if (behind == nullptr) return nullptr;
  out.text = {at, behind};
  out.why = defect::not_an_object;
  return behind;
}

/// `at` stands at the opening bracket. Elements over the limit are still validated, since a text that is not
/// JSON has to be answered as such, but no longer collected: `count` tells how many there were.
const char* scan_batch(json_scanner& scanner, const char* at, const scan_options& options,
                       std::vector<envelope>& batch, std::size_t& count) {
  at = scanner.skip_space(at + 1);
  if (scanner.peek(at) == ']') return at + 1;
  for (;;) {
    if (++count <= options.max_batch) {
      at = scan_element(scanner, at, options, batch.emplace_back());
    } else {
      at = scanner.skip_value(at, options.max_depth);
    }
    if (at == nullptr) return nullptr;
    at = scanner.skip_space(at);
    const char next = scanner.peek(at);
    if (next == ']') return at + 1;
    if (next != ',') return scanner.fail(defect::unexpected_character, at);
    at = scanner.skip_space(at + 1);
  }
}

/// Where the text's value begins; nullptr when there is none.
const char* find_value(json_scanner& scanner) noexcept {
  const char* const at = scanner.skip_space(scanner.begin());
  if (at == scanner.end()) return scanner.fail_at_end(defect::empty_text);
  const auto text = std::string_view(scanner.begin(), scanner.end());
  return text.starts_with("\xEF\xBB\xBF") ? scanner.fail(defect::byte_order_mark, at) : at;
}

/// Nothing but space may follow the value.
const char* finish(json_scanner& scanner, const char* behind) noexcept {
  if (behind == nullptr) return nullptr;
  behind = scanner.skip_space(behind);
  return behind == scanner.end() ? behind : scanner.fail(defect::trailing_bytes, behind);
}

scan_result rejected(const json_scanner& scanner) noexcept {
  return {scan_kind::rejected, scanner.why(), scanner.offset()};
}

scan_result rejected(const json_scanner& scanner, defect why, const char* at) noexcept {
  return {scan_kind::rejected, why, static_cast<std::size_t>(at - scanner.begin())};
}

scan_result scan_readable(const block_readable& text, const scan_options& options, envelope& single,
                          std::vector<envelope>& batch) {
  json_scanner scanner(text);
  const char* const value = find_value(scanner);
  if (value == nullptr) return rejected(scanner);

  if (*value == '{') {
    scanner.expect_one_large_container();
    if (finish(scanner, scan_message(scanner, value, options, single)) == nullptr) return rejected(scanner);
    return {scan_kind::single, single.why, 0};
  }
  if (*value != '[') {
    if (finish(scanner, scanner.skip_value(value, options.max_depth)) == nullptr) return rejected(scanner);
    return rejected(scanner, defect::not_an_object, value);
  }
  std::size_t count = 0;
  if (finish(scanner, scan_batch(scanner, value, options, batch, count)) == nullptr) return rejected(scanner);
  if (count == 0) return rejected(scanner, defect::empty_batch, value);
  if (count > options.max_batch) return rejected(scanner, defect::batch_too_large, value);
  return {scan_kind::batch, defect::none, 0};
}

/// Lets spans that point into `copy` point to the same places in `text`.
void move_spans(envelope& message, std::string_view copy, std::string_view text) noexcept {
  const auto move = [&](std::string_view& span) {
    if (span.data() == nullptr) return;
    span = text.substr(static_cast<std::size_t>(span.data() - copy.data()), span.size());
  };
  for (const auto slot : member_slots) move(message.*slot);
  move(message.text);
}

}  // namespace

scan_result scan(std::string_view text, const scan_options& options, envelope& single,
                 std::vector<envelope>& batch) {
  // In place: assigning a temporary copies its padding too, in stores that later loads cannot be forwarded
  // from.
  std::construct_at(&single);
  batch.clear();
  const scan_options bounded{.max_depth = std::min(options.max_depth, depth_limit),
                             .max_batch = options.max_batch,
                             .require_version = options.require_version};

  const block_readable readable(text);
  const scan_result outcome = scan_readable(readable, bounded, single, batch);
  if (readable.is_copy()) {
    move_spans(single, readable.view(), text);
    for (envelope& message : batch) move_spans(message, readable.view(), text);
  }
  return outcome;
}

scan_result validate(std::string_view text, std::size_t max_depth) {
  const block_readable readable(text);
  json_scanner scanner(readable);
  const char* const value = find_value(scanner);
  if (value == nullptr) return rejected(scanner);
  scanner.expect_one_large_container();
  const std::size_t room = std::min(max_depth, depth_limit);
  if (finish(scanner, scanner.skip_value(value, room)) == nullptr) return rejected(scanner);
  return {scan_kind::single, defect::none, 0};
}

std::string_view find_response_id(std::string_view text) noexcept {
  constexpr std::string_view name = R"("id")";
  constexpr std::string_view space = " \t\r\n";
  const auto found = text.find(name);
  if (found == text.npos || text.find(R"("method")") != text.npos) return {};
  auto rest = text.substr(found + name.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(space), rest.size()));
  if (!rest.starts_with(':')) return {};
  rest.remove_prefix(1);
  rest.remove_prefix(std::min(rest.find_first_not_of(space), rest.size()));
  return rest.substr(0, rest.find_first_not_of("0123456789"));
}

void unescape(std::string_view content, std::string& out) {
  out.resize(content.size());
  out.resize(decode_escapes(content, out.data()));
}

}  // namespace weft::proto
