#include "actors/router/request_checks.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include "proto/json/number.hpp"

namespace weft {
namespace {

using coro::clock;

/// Nothing when it is no number, which is a defect of the message.
std::optional<clock::duration> parse_deadline(std::string_view raw, const protocol_options& options) {
  using std::chrono::microseconds;
  const auto ms = proto::parse_double(raw);
  if (!ms) return std::nullopt;
  constexpr double microseconds_each = 1e3;
  const auto most = static_cast<double>(options.max_deadline.count());
  const auto limited = std::clamp(*ms, -1.0, most) * microseconds_each;
  // Time that is left is never none, however little it is.
  return microseconds(static_cast<std::int64_t>(limited > 0 ? std::ceil(limited) : std::floor(limited)));
}

/// Each says what is wrong with a request, if anything is.
using request_check = std::optional<rpc_error> (*)(const check_view&, const request&);

std::optional<rpc_error> check_name(const check_view& of, const request& r) {
  const auto limit = of.site.options.limits.method_name_bytes;
  if (r.name.size() <= limit) return std::nullopt;
  of.site.metrics().add(metric::limit_method_name);
  return make_error(error_code::invalid_request,
                    fmt::format("method name of {} bytes is over the limit of {} (limits.method_name_bytes)",
                                r.name.size(), limit));
}

std::optional<rpc_error> check_id(const check_view& of, const request& r) {
  if (r.from.load.made_count == 0 || !r.target.wanted) return std::nullopt;
  if (of.book.find(r.from.key(), r.message.id) == nullptr) return std::nullopt;
  return make_error(error_code::invalid_request,
                    fmt::format("id {} is in use by a call that is still under way", r.message.id));
}

std::optional<rpc_error> check_access(const check_view& of, const request& r) {
  if (of.gate.may_call(r.from, r.name)) return std::nullopt;
  return of.gate.refuse_call(r.from, r.name);
}

std::optional<rpc_error> check_quota(const check_view& of, const request& r) {
  auto over = of.gate.take_quota(r.from, r.message.text.size());
  if (over) of.told.over_quota(r.from.access.who->name);
  return over;
}

/// The checks of every request, in this order.
constexpr request_check checks_of_all[] = {check_name, check_id};
/// The checks of what is no control message.
constexpr request_check checks_of_calls[] = {check_access, check_quota};

std::optional<rpc_error> first_wrong(std::span<const request_check> among, const check_view& of,
                                     const request& r) {
  for (const auto check : among) {
    if (auto wrong = check(of, r)) return wrong;
  }
  return std::nullopt;
}

}  // namespace

std::optional<rpc_error> check_message(const check_view& of, const request& r) {
  return first_wrong(checks_of_all, of, r);
}

std::optional<rpc_error> check_call(const check_view& of, const request& r) {
  return first_wrong(checks_of_calls, of, r);
}

std::optional<rpc_error> take_deadline(const router_site& site, request& r) {
  const auto raw = r.message.deadline_ms;
  const auto deadline = parse_deadline(raw, site.options.protocol);
  if (!deadline) {
    return make_error(error_code::invalid_request,
                      fmt::format("deadline_ms is a number of milliseconds, not {}", raw));
  }
  r.deadline = *deadline;
  if (deadline->count() > 0) return std::nullopt;
  return make_mesh_error(error_code::deadline_exceeded, "the deadline had passed on arrival", executed::no,
                         site.options.id);
}

}  // namespace weft
