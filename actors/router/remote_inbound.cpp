#include "actors/router/remote_inbound.hpp"

#include <utility>

namespace weft {

void remote_inbound::on_item(remote_item& item) {
  switch (item.what) {
    case remote_item::type::call:
      return on_call(item);
    case remote_item::type::stream:
      return streams_.on_remote(item);
    case remote_item::type::answer:
      return on_answer(item);
    case remote_item::type::notification:
      return attempts_.notify({site_.index(), item.callee}, item.text);
    case remote_item::type::cancel:
    case remote_item::type::abandon:
      return on_cancel(item);
  }
}

void remote_inbound::on_call(remote_item& item) {
  auto& c = calls_.open(item.origin_reactor, item.origin);
  c.asked.method.swap(item.method);
  if (item.streams) streams_.open_leg(c);
  upstream_.send_to_here(c, item.callee, item.text, {item.id_at, item.id_size});
}

void remote_inbound::on_answer(remote_item& item) {
  auto* a = calls_.find(item.origin);
  if (a == nullptr) return site_.metrics().add(metric::late_results);
  if (item.blameless) return upstream_.on_broken(*a, item.failure);
  if (item.text.empty()) return upstream_.on_failed(*a, std::move(item.failure));
  proto::envelope response;
  proto::scan(item.text, {site_.options.limits.depth, 1, site_.options.protocol.require_version}, response,
              site_.shared.scan_batch);
  upstream_.on_response(*a, response);
}

void remote_inbound::on_cancel(const remote_item& item) {
  auto* c = calls_.find(item.origin_reactor, item.origin);
  if (c == nullptr) return;
  const bool awaited = item.what == remote_item::type::cancel;
  const bool told = std::exchange(c->caller.cancelled, true);
  if (!told) calls_.cancel(*c, coro::cancel_reason::cancelled_by_caller, awaited);
  if (awaited) return;
  if (told) calls_.abandon(*c);
  calls_.settle(*c, outcome::unawaited(error_code::request_cancelled));
}

}  // namespace weft
