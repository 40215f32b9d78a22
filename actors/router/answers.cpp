// Answers: into a connection's output, or into the slot of a JSON-RPC batch.
#include "actors/router/router.hpp"
#include "actors/router/splice.hpp"
#include "proto/message.hpp"

namespace weft {

void router::answer_error(const answer_target& target, const rpc_error& error) {
  render(target, [&](std::string& out) { proto::append_error(out, target.raw_id, error); });
}

void router::complete(batch_answers& group) {
  if (auto* entry = find(group.to)) {
    auto& out = output(*entry).bulk;
    const auto start = proto::begin_frame(out);
    char separator = '[';
    for (const auto& part : group.parts) {
      if (part.size == 0) continue;
      out.push_back(separator);
      separator = ',';
      out.append(group.text, part.offset, part.size);
    }
    out.push_back(']');
    const auto bytes = out.size() - start;
    if (const auto refusal = needs_room(*entry, bytes) ? check_room(*entry, bytes, executed::unknown)
                                                       : std::nullopt) [[unlikely]] {
      out.resize(start + proto::frame_header_bytes);
      proto::append_error(out, "null", *refusal);
    }
    proto::end_frame(out, start);
  }
  release(group);
}

void router::drop_part(batch_answers& group) {
  // Only calls of a connection that is gone are dropped, so nobody waits for the rest.
  if (--group.missing == 0) release(group);
}

void router::release(batch_answers& group) {
  constexpr std::size_t keep = std::size_t{64} * 1024;
  home().metrics().add(metric::batches_open, -1);
  group.text.clear();
  if (group.text.capacity() > keep) std::string().swap(group.text);
  group.parts.clear();
  free_groups_.emplace_back(&group);
}

template <class Write>
void router::answer(call& c, std::int32_t code, Write&& write) {
  if (c.stats != nullptr) c.stats->observe(code, coro::clock::now() - c.started);
  record_call(c, code);
  render({c.caller, c.raw_id, c.group, c.group_part, !c.notification}, write);
  c.group = nullptr;
  close_call(c);
}

void router::answer_result(call& c, std::string_view raw_result) {
  answer(c, 0, [&](std::string& out) { proto::append_result(out, c.raw_id, raw_result); });
}

void router::answer_raw(call& c, std::int32_t code, std::string_view response, text_span id) {
  answer(c, code, [&](std::string& out) { append_response_for(out, response, id, c.raw_id); });
}

void router::answer_error(call& c, const rpc_error& error) {
  constexpr auto cancelled = static_cast<std::int32_t>(error_code::request_cancelled);
  if (c.cancelled && error.code != cancelled) {
    return answer_error(c, make_error(error_code::request_cancelled, "cancelled by the caller"));
  }
  answer(c, error.code, [&](std::string& out) { proto::append_error(out, c.raw_id, error); });
}

}  // namespace weft
