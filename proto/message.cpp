#include "proto/message.hpp"

#include <charconv>
#include <cstdint>
#include <limits>

#include <nlohmann/json.hpp>

#include "proto/envelope.hpp"
#include "proto/error_object.hpp"
#include "proto/json/utf8.hpp"

namespace weft::proto {
namespace {

constexpr std::string_view response_head = R"({"jsonrpc":"2.0","id":)";

void append_integer(std::string& out, std::int64_t value) {
  char digits[std::numeric_limits<std::int64_t>::digits10 + 2];
  const auto written = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, written.ptr);
}

void append_head(std::string& out, std::string_view raw_id) {
  out += response_head;
  out += raw_id.empty() ? std::string_view("null") : raw_id;
}

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '"':
      out += R"(\")";
      return;
    case '\\':
      out += R"(\\)";
      return;
    case '\n':
      out += R"(\n)";
      return;
    case '\r':
      out += R"(\r)";
      return;
    case '\t':
      out += R"(\t)";
      return;
    default:
      constexpr char digits[] = "0123456789abcdef";
      out += R"(\u00)";
      out += digits[c >> 4 & 0xF];
      out += digits[c & 0xF];
  }
}

bool is_plain(char c) noexcept {
  return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
}

void read_mesh_data(rpc_error& error) {
  if (error.data.empty() || !is_mesh_error(error.code)) return;
  const auto data = nlohmann::json::parse(error.data, nullptr, false);
  if (!data.is_object()) return;
  if (const auto ran = data.find("executed"); ran != data.end() && ran->is_string())
    error.ran = *ran == "no" ? executed::no : executed::unknown;
  if (const auto wait = data.find("retry_after_ms"); wait != data.end() && wait->is_number_unsigned())
    error.retry_after_ms = wait->get<std::int64_t>();
}

/// The end of the longest stretch from `at` that needs no change inside a JSON string.
const char* find_end_of_verbatim(const char* at, const char* end) noexcept {
  while (at != end && is_plain(*at)) {
    const std::size_t length = utf8_sequence_bytes(at, end);
    if (length == 0) break;
    at += length;
  }
  return at;
}

}  // namespace

void append_result(std::string& out, std::string_view raw_id, std::string_view raw_result) {
  begin_result(out, raw_id);
  out += raw_result;
  end_result(out);
}

void begin_result(std::string& out, std::string_view raw_id) {
  append_head(out, raw_id);
  out += R"(,"result":)";
}

void end_result(std::string& out) {
  out += '}';
}

void append_error(std::string& out, std::string_view raw_id, const rpc_error& error) {
  append_head(out, raw_id);
  out += R"(,"error":)";
  append_error_object(out, error);
  out += '}';
}

void append_error_object(std::string& out, const rpc_error& error) {
  out += R"({"code":)";
  append_integer(out, error.code);
  out += R"(,"message":)";
  append_quoted(out, error.message);
  if (!error.data.empty()) {
    out += R"(,"data":)";
    out += error.data;
  }
  out += '}';
}

request_spans append_request(std::string& out, std::string_view raw_id, std::string_view method,
                             std::string_view raw_params, const request_members& members) {
  const auto start = out.size();
  request_spans spans;
  const auto append_member = [&out](std::string_view name, std::string_view raw_value) {
    if (raw_value.empty()) return;
    out += name;
    out += raw_value;
  };
  out += R"({"jsonrpc":"2.0")";
  append_member(R"(,"id":)", raw_id);
  if (!raw_id.empty()) spans.id = {out.size() - raw_id.size() - start, raw_id.size()};
  out += R"(,"method":)";
  append_quoted(out, method);
  append_member(R"(,"params":)", raw_params);
  if (members.deadline_ms >= 0) {
    out += R"(,"deadline_ms":)";
    const auto at = out.size();
    append_integer(out, members.deadline_ms);
    spans.deadline = {at - start, out.size() - at};
  }
  append_member(R"(,"traceparent":)", members.raw_traceparent);
  append_member(R"(,"tracestate":)", members.raw_tracestate);
  append_member(R"(,"route_key":)", members.raw_route_key);
  out += '}';
  return spans;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    const char* const stop = find_end_of_verbatim(at, end);
    out.append(at, stop);
    at = stop;
    if (at == end) break;
    if (is_plain(*at)) {
      out += "\xEF\xBF\xBD";
    } else {
      append_escaped(out, *at);
    }
    ++at;
  }
  out += '"';
}

rpc_error parse_error_object(std::string_view raw_error) {
  const block_readable readable(raw_error);
  const error_members members = read_error_members(readable);
  rpc_error error;
  error.data = members.data;

  const auto code = std::from_chars(members.code.begin(), members.code.end(), error.code);
  if (members.code.empty() || code.ec != std::errc{} || code.ptr != members.code.end()) {
    error.code = static_cast<std::int32_t>(error_code::internal_error);
  }
  if (members.message.starts_with('"')) {
    unescape(members.message.substr(1, members.message.size() - 2), error.message);
  } else {
    error.message = raw_error;
  }
  read_mesh_data(error);
  return error;
}

}  // namespace weft::proto
