#include "actors/router/stream_driver.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "actors/coro/completion.hpp"
#include "actors/coro/next_turn.hpp"
#include "actors/messages/uplink_messages.hpp"

namespace weft {
namespace {

/// Values from the caller that may wait for the generator.
constexpr std::int64_t accepted_at_a_time = 16;
/// Items after which others on this reactor have their turn: fewer, the more of them there are.
constexpr std::size_t longest_burst = 256;
constexpr std::size_t shortest_burst = 16;
constexpr std::size_t items_of_all = 8192;

std::size_t burst_beside(std::size_t others) noexcept {
  return std::clamp(items_of_all / (others + 1), shortest_burst, longest_burst);
}

class generator_end final : public stream_end {
 public:
  generator_end(calls& book, streams& flows, call_key key, bool takes_input)
      : calls_(book), streams_(flows), key_(key), takes_input_(takes_input) {
    auto* c = stream();
    if (c == nullptr) return;
    c->stream->callee = this;
    half_closed_ = c->stream->input.ended;
    streams_.grants().begin_here(*c);
    if (takes_input) streams_.grants().accept(*c, accepted_at_a_time);
  }
  generator_end(const generator_end&) = delete;
  generator_end& operator=(const generator_end&) = delete;
  ~generator_end() {
    if (auto* c = stream()) c->stream->callee = nullptr;
  }

  /// The call, as long as somebody waits for it.
  call* stream() const noexcept {
    auto* c = calls_.find(key_);
    return c != nullptr && c->stream && !c->caller.left_behind ? c : nullptr;
  }
  bool may_send() const noexcept {
    const auto* c = stream();
    return c != nullptr && c->stream->down.open() && !c->stream->stalled.down;
  }
  bool may_step() const noexcept {
    if (raised_) return true;
    const bool has_input = !takes_input_ || !started_ || half_closed_ || !values_.empty();
    return has_input && may_send();
  }
  auto changed(coro::cancel_scope ctx) {
    changed_.emplace();
    return changed_->wait(std::move(ctx));
  }

  item_generator::step step(item_generator& items) {
    if (raised_) {
      const auto error = std::move(raised_);
      return items.athrow(stream_raised(*error));
    }
    if (!std::exchange(started_, true) || values_.empty()) return items.next();
    auto value = std::move(values_.front());
    values_.erase(values_.begin());
    if (auto* c = stream(); c != nullptr && ++taken_ == accepted_at_a_time / 2)
      streams_.grants().accept(*c, std::exchange(taken_, 0));
    return items.asend(std::move(value));
  }

 private:
  void on_grant(std::int64_t, std::int64_t) override { wake(); }
  void on_value(std::string_view raw_value) override {
    values_.emplace_back(raw_value);
    wake();
  }
  void on_raise(rpc_error error) override {
    raised_ = std::make_unique<rpc_error>(std::move(error));
    wake();
  }
  void on_half_close() override {
    half_closed_ = true;
    wake();
  }
  void on_answer() override {}
  void wake() {
    if (changed_) changed_->set();
  }

  calls& calls_;
  streams& streams_;
  call_key key_;
  bool takes_input_;
  bool started_ = false;
  bool half_closed_ = false;
  std::int64_t taken_ = 0;
  /// As few as were accepted at a time.
  std::vector<std::string> values_;
  std::unique_ptr<rpc_error> raised_;
  std::optional<coro::completion<void>> changed_;
};

rpc_error taken_back(coro::cancel_reason why, const std::string& node) {
  if (why == coro::cancel_reason::deadline_exceeded) return cancelled_error(why, node);
  return make_error(error_code::request_cancelled, std::string("cancelled: ").append(to_string(why)));
}

}  // namespace

coro::task<std::expected<nlohmann::json, rpc_error>> drive_stream(router_site* site, calls* book,
                                                                  streams* flows, call_key key,
                                                                  item_generator items,
                                                                  coro::cancel_scope scope,
                                                                  bool takes_input) {
  generator_end end(*book, *flows, key, takes_input);
  // Each place that waits takes room in the frame, which every open stream has: so there are few.
  std::optional<coro::cancel_reason> cancelled;
  std::optional<stream_item> item;
  std::size_t sent = 0;
  try {
    for (;;) {
      // Only what was raised can be answered before there is credit for it.
      while (!cancelled && !(item ? end.may_send() : end.may_step())) {
        site->flush_outside_turn();
        if (const auto woken = co_await end.changed(scope); !woken) cancelled = woken.error();
      }
      if (!cancelled && !item) {
        item = co_await end.step(items);
        cancelled = scope.reason();
        if (!cancelled && !item) co_return nullptr;
        if (!cancelled && !end.may_send()) continue;
      }
      if (cancelled || !flows->item(*end.stream(), item->raw_value, item->raw_cursor)) break;
      item.reset();
      site->flush_behind();
      ++sent;
      if (sent >= shortest_burst && sent >= burst_beside(site->home.ready())) {
        sent = 0;
        site->flush_outside_turn();
        co_await coro::next_turn(scope.get_executor());
      }
    }
    site->flush_outside_turn();
    co_await items.aclose();
  } catch (const stream_raised& uncaught) {
    co_return std::unexpected(uncaught.error);
  }
  if (cancelled) co_return std::unexpected(taken_back(*cancelled, site->options.id));
  co_return nullptr;
}

}  // namespace weft
