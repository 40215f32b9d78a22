#include "actors/service/stream_reader.hpp"

#include <deque>
#include <utility>

#include "actors/coro/completion.hpp"
#include "actors/router/router.hpp"

namespace weft {

class stream_reader::end_point final : public stream_end {
 public:
  end_point(context ctx, const remote::address& to, const std::string& method, const std::string& raw_params,
            const stream_options& options)
      : ctx_(std::move(ctx)), window_(std::max<std::int64_t>(options.window, 1)) {
    key_ = ctx_.home().own_calls().start_stream(to, method, raw_params, ctx_, {window_, options.raw_after},
                                                *this, slot_);
  }
  end_point(const end_point&) = delete;
  end_point& operator=(const end_point&) = delete;
  ~end_point() { ctx_.home().own_calls().abandon(key_); }

  bool has_item() const noexcept { return !items_.empty(); }
  bool has_ended() const noexcept { return slot_.is_set(); }
  std::string take() {
    auto item = std::move(items_.front());
    items_.pop_front();
    if (++taken_ * 2 >= window_ || items_.empty())
      ctx_.home().own_calls().take_items(key_, std::exchange(taken_, 0));
    return item;
  }
  auto changed() {
    changed_.emplace();
    return changed_->wait(ctx_);
  }
  auto answer() { return slot_.wait(ctx_); }
  const context& ctx() const noexcept { return ctx_; }

  bool send(std::string_view raw_value) {
    if (accepted_ <= 0 || accepted_bytes_ <= 0 || has_ended()) return false;
    --accepted_;
    accepted_bytes_ -= static_cast<std::int64_t>(raw_value.size());
    const proto::count_text seq(sent_++);
    proto::stream_members members;
    members.seq = seq;
    members.value = raw_value;
    tell(proto::stream_message::send, members);
    return true;
  }
  void tell(proto::stream_message what, const proto::stream_members& members) {
    ctx_.home().own_calls().tell_callee(key_, what, members);
  }

 private:
  void on_grant(std::int64_t items, std::int64_t bytes) override {
    accepted_ += items;
    accepted_bytes_ += bytes;
  }
  void on_value(std::string_view raw_value) override {
    items_.emplace_back(raw_value);
    wake();
  }
  void on_raise(rpc_error) override {}
  void on_half_close() override {}
  void on_answer() override { wake(); }
  void wake() {
    if (changed_) changed_->set();
  }

  context ctx_;
  std::int64_t window_;
  call_key key_;
  outbound_slot slot_;
  std::deque<std::string> items_;
  std::int64_t taken_ = 0;
  std::int64_t accepted_ = 0;
  /// May be overdrawn by one value.
  std::int64_t accepted_bytes_ = 0;
  std::int64_t sent_ = 0;
  std::optional<coro::completion<void>> changed_;
};

stream_reader::stream_reader(context ctx, const remote::address& to, const std::string& method,
                             const std::string& raw_params, const stream_options& options)
    : end_(std::make_unique<end_point>(std::move(ctx), to, method, raw_params, options)) {}
stream_reader::stream_reader(stream_reader&&) noexcept = default;
stream_reader& stream_reader::operator=(stream_reader&&) noexcept = default;
stream_reader::~stream_reader() = default;

coro::task<std::expected<std::optional<std::string>, rpc_error>> stream_reader::next() {
  return take(end_.get());
}

coro::task<std::expected<std::optional<std::string>, rpc_error>> stream_reader::take(end_point* of) {
  while (!of->has_item() && !of->has_ended()) {
    if (const auto woken = co_await of->changed(); !woken)
      co_return std::unexpected(cancelled_error(woken.error(), of->ctx().node()));
  }
  if (of->has_item()) co_return of->take();
  auto answer = co_await of->answer();
  if (!answer) co_return std::unexpected(cancelled_error(answer.error(), of->ctx().node()));
  if (!*answer) co_return std::unexpected(answer->error());
  co_return std::nullopt;
}

bool stream_reader::send(std::string_view raw_value) {
  return end_->send(raw_value);
}

void stream_reader::raise(const rpc_error& error) {
  std::string text;
  proto::append_error_object(text, error);
  proto::stream_members members;
  members.error = text;
  end_->tell(proto::stream_message::raise, members);
}

void stream_reader::end() {
  end_->tell(proto::stream_message::end, {});
}

}  // namespace weft
