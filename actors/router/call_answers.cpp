#include "actors/router/call_answers.hpp"

#include <utility>

namespace weft {
namespace {

constexpr auto cancelled_code = static_cast<std::int32_t>(error_code::request_cancelled);

}  // namespace

void call_answers::tell(call& c, const outcome& given) {
  std::optional<rpc_error> taken_back;
  // Whoever has taken a call back hears that, whatever the callee made of it.
  const bool says_so = given.code == cancelled_code && (given.error == nullptr || given.error->ran);
  if (c.caller.cancelled && given.code != 0 && !says_so)
    taken_back = make_mesh_error(error_code::request_cancelled, "cancelled by the caller",
                                 c.idle() && !c.attempts.may_have_run ? executed::no : executed::unknown,
                                 site_.options.id);
  const auto o = taken_back ? outcome::of(*taken_back) : given;
  records_.observe(c, o.code);
  if (c.stream && c.from != call::origin::router) [[unlikely]]
    count_end_of_stream(o);
  if (!o.awaited) return;
  switch (c.from) {
    case call::origin::connection:
      return tell_connection(c, o);
    case call::origin::coroutine:
      return tell_coroutine(c, o);
    case call::origin::router:
      return tell_router(c, o);
    case call::origin::none:
      return;
  }
}

void call_answers::tell_connection(call& c, const outcome& o) {
  auto& caller = c.caller;
  const answer_target target{caller.key, caller.raw_id, std::exchange(caller.group, nullptr),
                             caller.group_part, !caller.notification};
  const auto* response = o.response;
  // The form of JSON-RPC 1.0 is put into that of 2.0.
  if (response != nullptr && !response->old_form) {
    return answers_.render(target, [&](std::string& out) {
      append_response_for(out, response->text, span_in(response->text, response->id), caller.raw_id);
    });
  }
  if (o.error != nullptr) return answers_.error(target, *o.error);
  answers_.result(target, response != nullptr ? response->result : o.raw_result);
}

void call_answers::tell_coroutine(call& c, const outcome& o) {
  if (o.error != nullptr) {
    c.coroutine.waiter->set(std::unexpected(*o.error));
  } else {
    c.coroutine.waiter->set(
        raw_result(std::string(o.response != nullptr ? o.response->result : o.raw_result)));
  }
  if (c.stream && c.stream->caller != nullptr) c.stream->caller->on_answer();
}

void call_answers::tell_router(const call& c, const outcome& o) {
  auto& item =
      outbox_.add(c.leg.reactor_index, remote_item::type::answer, c.leg.reactor_index, c.leg.attempt);
  if (o.response != nullptr) {
    item.text = o.response->text;
  } else {
    item.failure = *o.error;
    item.blameless = o.blameless;
  }
}

void call_answers::count_end_of_stream(const outcome& o) {
  const bool cancelled = !o.awaited || o.code == cancelled_code;
  site_.metrics().add(cancelled     ? metric::streams_cancelled
                      : o.code == 0 ? metric::streams_completed
                                    : metric::streams_failed);
}

}  // namespace weft
