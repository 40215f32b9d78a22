// A stream begins, and each of its messages finds it.
#include "actors/router/streams.hpp"

#include <fmt/format.h>

namespace weft {

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
  auto* caller = c.from == call::origin::connection ? connections_.find(c.caller.key) : nullptr;
  if (caller != nullptr) ++caller->streams.made;
  c.stream = std::make_unique<stream_state>(c.caller.raw_id.size());
  auto& s = *c.stream;
  s.elsewhere.allowed = resumable && !c.asked.local_only;
  site_.metrics().add(metric::streams_open);
  if (message.stream.empty() || c.caller.notification) {
    s.gathers = true;
    // Such a caller sends nothing.
    s.input.ended = true;
    s.down.grant({gathered_at_a_time});
    return;
  }
  members m;
  proto::read_stream_members(message.stream, m);
  s.down.grant(*proto::read_grant(m));
  s.elsewhere.cursor = m.after;
}

void streams::open(call& c, stream_end& caller, std::int64_t items, std::string_view raw_after,
                   bool resumable) {
  c.stream = std::make_unique<stream_state>(0);
  c.stream->caller = &caller;
  c.stream->elsewhere.allowed = resumable;
  c.stream->elsewhere.cursor = raw_after;
  c.stream->down.grant({items});
  site_.metrics().add(metric::streams_open);
}

void streams::open_leg(call& c) {
  c.stream = std::make_unique<stream_state>(0);
}

bool streams::handle(request& r) {
  const auto what = proto::find_stream_message(r.name);
  if (!what || r.target.wanted) return false;
  members m;
  const bool readable = proto::read_stream_members(r.message.params, m);
  if (!readable && (m.repeated.empty() || m.repeated == "id")) return failures_.unmatched(), true;
  if (*what == kind::item || *what == kind::accept) {
    auto* a = calls_.named_by(r.from, m.id);
    if (a == nullptr || !a->of->stream || a->of->caller.left_behind) return failures_.unmatched(), true;
    if (!readable) return failures_.repeated(*a->of, r.name, m), true;
    *what == kind::accept ? on_accept(*a->of, m) : on_item(*a->of, m);
  } else {
    auto* c = m.id.empty() ? nullptr : calls_.find(r.from.key(), m.id);
    // Its answer may be on the way.
    if (c == nullptr || !c->stream || c->stream->gathers) return failures_.unmatched(), true;
    if (!readable) return failures_.repeated(*c, r.name, m), true;
    from_caller(*c, *what, m);
  }
  return true;
}

void streams::on_remote(remote_item& item) {
  members m;
  proto::read_stream_members(item.text, m);
  if (item.stream == kind::item || item.stream == kind::accept) {
    auto* a = calls_.find(item.origin);
    if (a == nullptr || !a->of->stream || a->of->caller.left_behind) return failures_.unmatched();
    item.stream == kind::accept ? on_accept(*a->of, m) : on_item(*a->of, m);
  } else {
    auto* c = calls_.find(item.origin_reactor, item.origin);
    if (c == nullptr || !c->stream) return failures_.unmatched();
    from_caller(*c, item.stream, m);
  }
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
