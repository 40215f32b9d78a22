// Cancellation: what a caller takes back is told to whoever works on it, and the caller is answered whether
// that one reacts or not.
#include <fmt/format.h>

#include "actors/router/router.hpp"
#include "proto/message.hpp"

namespace weft {
namespace {

constexpr auto cancelled_code = static_cast<std::int32_t>(error_code::request_cancelled);

std::string cancel_request(std::uint64_t id) {
  return fmt::format(R"({{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id":{}}}}})", id);
}

}  // namespace

void router::on_cancel(link_entry& entry, const proto::envelope& message) {
  // Read from the raw bytes, so that an id that no double holds still finds its call.
  proto::envelope members;
  std::vector<proto::envelope> none;
  if (message.params.empty() || message.params.front() != '{') return;
  proto::scan(message.params, {options().limits.depth, 1, false}, members, none);
  auto* c = members.id.empty() ? nullptr : calls_.find(entry.key(), members.id);
  if (c == nullptr || c->cancelled) return;
  home().metrics().add(metric::cancelled);
  c->cancelled = true;
  cancel_call(*c, coro::cancel_reason::cancelled_by_caller, true);
  // A blocking handler cannot be interrupted: its caller is answered now, its late result is dropped. And a
  // call that waits to be tried again is nowhere.
  if (c->to == call::target::blocking || c->to == call::target::none) {
    return answer_error(*c, make_error(error_code::request_cancelled, "cancelled by the caller"));
  }
  const auto due = home().now() + options().protocol.cancel_grace;
  if (due >= c->deadline) return rearm_deadline(*c);
  c->paused = call::pause::cancel;
  home().arm(*c, due);
}

void router::cancel_call(call& c, coro::cancel_reason why, bool awaited) {
  switch (c.to) {
    case call::target::coroutine:
      if (c.context) c.context->cancel(why);
      return;
    case call::target::connection:
      // Behind its request, which may still wait: a cancellation that comes first names nothing yet.
      if (auto* callee = find(c.callee)) send_frame(*callee, cancel_request(c.key.number()), false);
      return;
    case call::target::router: {
      const auto what = awaited ? remote_item::type::cancel : remote_item::type::abandon;
      remote_output(c.target_shard).add(what, home().index(), c.key);
      return;
    }
    case call::target::blocking:
    case call::target::none:
      return;
  }
}

void router::cancel_caller_calls(link_entry& entry) {
  while (entry.calls_made != nullptr) {
    auto& c = *entry.calls_made;
    if (!c.left_behind) {
      home().metrics().add(metric::cancelled);
      cancel_call(c, coro::cancel_reason::disconnected);
      record_call(c, cancelled_code);
    }
    close_call(c);
  }
}

void router::leave_behind(call& c) {
  c.paused = call::pause::none;
  const auto error = make_mesh_error(
      error_code::request_cancelled,
      fmt::format("cancelled by the caller; the callee has not reacted within {} ms (protocol.cancel_grace)",
                  options().protocol.cancel_grace.count()),
      executed::unknown, options().id);
  if (c.hedge != call_key{}) take_back_hedge(c);
  if (c.to == call::target::none) return answer_error(c, error);
  observe(c, error.code);
  render({c.caller, c.raw_id, c.group, c.group_part, !c.notification},
         [&](std::string& out) { proto::append_error(out, c.raw_id, error); });
  c.group = nullptr;
  if (!c.raw_id.empty()) calls_.unindex(c);
  c.raw_id.clear();
  c.left_behind = true;
  ++left_behind_;
  home().metrics().add(metric::left_behind);
  home().arm(c, c.deadline);
  if (auto* caller = find(c.caller)) {
    ++caller->left_behind_count;
    finish_if_done(*caller);
  }
}

void router::close_left_behind(call& c, std::int32_t code) {
  home().metrics().add(metric::late_results);
  end_attempt(c, code);
  close_call(c);
  flush_outside_turn();
}

}  // namespace weft
