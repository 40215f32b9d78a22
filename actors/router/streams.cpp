// A stream begins, and each of its messages finds it.
#include "actors/router/streams.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace weft {
namespace {

constexpr std::size_t least_window = 4096;

}  // namespace

std::optional<rpc_error> streams::check(const proto::envelope& message) {
  if (message.stream.empty()) return std::nullopt;
  members m;
  const bool readable = proto::read_stream_members(message.stream, m) && proto::read_grant(m);
  if (readable && m.after.size() <= longest_cursor) return std::nullopt;
  constexpr std::string_view form =
      R"(stream is {"credit": n, "bytes"?: m, "after"?: cursor} with whole numbers from 0)";
  if (!m.repeated.empty())
    return make_error(error_code::invalid_request, fmt::format("{}, not '{}' twice", form, m.repeated));
  if (!readable) return make_error(error_code::invalid_request, std::string(form));
  return make_error(error_code::invalid_request, fmt::format("{}: a cursor has at most {} bytes, not {}",
                                                             form, longest_cursor, m.after.size()));
}

void streams::open(call& c, const proto::envelope& message, bool resumable) {
  auto* caller = c.from == call::origin::connection ? links_.find(c.caller.key) : nullptr;
  if (caller != nullptr) ++caller->streams.made;
  c.stream = std::make_unique<stream_state>(c.caller.raw_id.size());
  auto& s = *c.stream;
  s.resumable = resumable && !c.asked.local_only;
  site_.metrics().add(metric::streams_open);
  if (message.stream.empty() || c.caller.notification) {
    s.gathers = true;
    // Such a caller sends nothing.
    s.half_closed = true;
    s.down.grant({gathered_at_a_time});
    return;
  }
  members m;
  proto::read_stream_members(message.stream, m);
  s.down.grant(*proto::read_grant(m));
  s.cursor = m.after;
}

void streams::open(call& c, stream_end& caller, std::int64_t items, std::string_view raw_after,
                   bool resumable) {
  c.stream = std::make_unique<stream_state>(0);
  c.stream->caller = &caller;
  c.stream->resumable = resumable;
  c.stream->cursor = raw_after;
  c.stream->down.grant({items});
  site_.metrics().add(metric::streams_open);
}

void streams::open_leg(call& c) {
  c.stream = std::make_unique<stream_state>(0);
}

std::int64_t streams::share(std::size_t budget, std::size_t count) const {
  const auto part = std::max(budget / std::max<std::size_t>(count, 1), least_window);
  return static_cast<std::int64_t>(std::min(part, site_.options.limits.stream_window_bytes));
}

std::int64_t streams::window_down(const call& c) const {
  const auto* caller = c.from == call::origin::connection ? links_.find(c.caller.key) : nullptr;
  if (caller == nullptr) return share(site_.options.limits.stream_window_bytes, 1);
  // Calls go over a link to another node both ways, and not while much waits for it.
  const auto& limits = site_.options.limits;
  return share(caller->is_link() ? limits.output_soft_bytes / 2 : limits.output_hard_bytes / 16,
               caller->streams.made);
}

std::int64_t streams::window_up(const call& c) const {
  const auto& a = c.attempts[0];
  const auto* callee = a.to == attempt::target::connection ? links_.find(a.callee) : nullptr;
  if (callee == nullptr) return share(site_.options.limits.stream_window_bytes, 1);
  // Others' calls are not sent to it while much waits for it.
  return share(site_.options.limits.output_soft_bytes / 2, callee->streams.received);
}

void streams::restart(call& c) {
  auto& s = *c.stream;
  s.callee_seq = 0;
  s.moving = false;
  s.down.restart();
  s.up = stream_flow(stream_state::around_value);
  s.send_credit = 0;
  const auto told = s.down.next(window_down(c)).value_or(proto::stream_grant{});
  const auto value = proto::stream_member(told.items, told.bytes.value_or(0), s.cursor);
  text_span* const moved[] = {&c.asked.spans.id, &c.asked.spans.deadline};
  if (s.member.size == 0 && !s.gathers) {
    proto::envelope written;
    proto::scan(c.asked.text, {site_.options.limits.depth, 1, false}, written, site_.shared.scan_batch);
    s.member = span_in(c.asked.text, written.stream);
  }
  if (s.member.size == 0) {
    constexpr std::string_view name = R"("stream":)";
    text_span front{1, 0};
    replace_span(c.asked.text, front, fmt::format("{}{},", name, value), moved);
    s.member = {1 + name.size(), value.size()};
  } else {
    replace_span(c.asked.text, s.member, value, moved);
  }
}

bool streams::handle(request& r) {
  const auto what = proto::find_stream_message(r.name);
  if (!what || r.target.wanted) return false;
  members m;
  const bool readable = proto::read_stream_members(r.message.params, m);
  if (!readable && (m.repeated.empty() || m.repeated == "id")) return complain_unmatched(), true;
  if (*what == kind::item || *what == kind::accept) {
    auto* a = calls_.named_by(r.from, m.id);
    if (a == nullptr || !a->of->stream || a->of->caller.left_behind) return complain_unmatched(), true;
    if (!readable) return fail_repeated(*a->of, r.name, m), true;
    from_callee(*a->of, *what, m);
  } else {
    auto* c = m.id.empty() ? nullptr : calls_.find(r.from.key(), m.id);
    // Its answer may be on the way.
    if (c == nullptr || !c->stream || c->stream->gathers) return complain_unmatched(), true;
    if (!readable) return fail_repeated(*c, r.name, m), true;
    from_caller(*c, *what, m);
  }
  return true;
}

void streams::complain_unmatched() {
  site_.metrics().add(metric::stream_messages_unmatched);
}

void streams::on_remote(remote_item& item) {
  members m;
  proto::read_stream_members(item.text, m);
  if (item.stream == kind::item || item.stream == kind::accept) {
    auto* a = calls_.find(item.origin);
    if (a == nullptr || !a->of->stream || a->of->caller.left_behind) return complain_unmatched();
    from_callee(*a->of, item.stream, m);
  } else {
    auto* c = calls_.find(item.origin_shard, item.origin);
    if (c == nullptr || !c->stream) return complain_unmatched();
    from_caller(*c, item.stream, m);
  }
}

void streams::from_callee(call& c, kind what, const members& m) {
  if (what == kind::accept) return on_accept(c, m);
  on_item(c, m);
}

void streams::from_caller(call& c, kind what, const members& m) {
  switch (what) {
    case kind::credit:
      return on_credit(c, m);
    case kind::send:
      return on_send(c, m);
    case kind::raise:
      return on_throw(c, m);
    case kind::end:
      return on_end(c);
    case kind::item:
    case kind::accept:
      return;
  }
}

}  // namespace weft
