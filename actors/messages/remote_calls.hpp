// What routers send each other: calls, answers, cancellations, notifications, permits; and what blocking
// handlers bring.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "actors/admission/admission.hpp"
#include "actors/messages/keys.hpp"
#include "actors/messages/result.hpp"
#include "actors/runtime/message_pool.hpp"
#include "proto/stream.hpp"

namespace weft {

template <class T>
using message_pointer = std::unique_ptr<T, caf::detail::disposer>;

/// From another router: calls to this method pattern may have room now.
class permit_message final : public actor_message {
 public:
  explicit permit_message(std::shared_ptr<admission_state> of) noexcept
      : actor_message(type::room), admission(std::move(of)) {}
  std::shared_ptr<admission_state> admission;
};

/// A call, an answer or a cancellation that crosses from one reactor to another.
struct remote_item {
  /// `cancel` still wants the answer, `abandon` does not.
  enum class type : std::uint8_t { call, answer, cancel, abandon, notification, stream };
  type what = type::call;
  /// The message of a stream, whose members are the text.
  proto::stream_message stream{};
  /// A call that streams.
  bool streams = false;
  std::size_t origin_reactor = 0;
  attempt_key origin;
  connection_key callee;
  /// The request of a call, with an id in it, and where that id stands; a whole notification; the response of
  /// an answer as it came, or empty when there is none.
  std::string text;
  std::size_t id_at = 0;
  std::size_t id_size = 0;
  /// The method that is called, for the log there.
  std::string method;
  /// Why an answer has no response, and whether the instance has no part in that.
  rpc_error failure;
  bool blameless = false;
};

/// Calls go one way and their answers the other, so the receiver keeps the message for its own next one.
class remote_calls final : public actor_message {
 public:
  explicit remote_calls(message_pool<remote_calls>& pool) noexcept
      : actor_message(type::remote_calls), pool_(&pool) {}

  /// A clean item, except that its text keeps its capacity.
  remote_item& add(remote_item::type what, std::size_t origin_reactor, attempt_key origin) {
    if (used_ == items_.size()) items_.emplace_back();
    auto& item = items_[used_++];
    item.what = what;
    item.origin_reactor = origin_reactor;
    item.origin = origin;
    item.streams = item.blameless = false;
    return item;
  }
  std::span<remote_item> items() noexcept { return {items_.data(), used_}; }
  void keep_in(message_pool<remote_calls>& pool) noexcept { pool_ = &pool; }

  coro::clock::time_point sent;

  void request_deletion(bool) const noexcept override {
    auto* self = const_cast<remote_calls*>(this);
    for (auto& item : self->items()) {
      item.text.clear();
      item.method.clear();
      // A huge message must not pin its size for ever.
      if (item.text.capacity() > kept_bytes) std::string().swap(item.text);
      item.failure = {};
    }
    self->used_ = 0;
    if (self->items_.size() > kept_items) self->items_ = {};
    pool_->give_back(self);
  }

 private:
  static constexpr std::size_t kept_bytes = 4096;
  static constexpr std::size_t kept_items = 256;

  message_pool<remote_calls>* pool_;
  std::vector<remote_item> items_;
  std::size_t used_ = 0;
};

class blocking_done final : public actor_message {
 public:
  blocking_done(call_key which, std::string name)
      : actor_message(type::blocking_done), key(which), method(std::move(name)) {}
  call_key key;
  std::string method;
  json_result outcome;
  /// What the handler threw, if it did.
  std::optional<std::string> exception;
};

}  // namespace weft
