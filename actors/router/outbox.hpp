// What one router has for the others in its turn: calls, answers, cancellations and notifications, in their
// order.
#pragma once

#include <vector>

#include "actors/messages/router_messages.hpp"
#include "actors/router/site.hpp"

namespace weft {

class outbox {
 public:
  explicit outbox(router_site& site) noexcept : site_(site) {}

  /// `origin`: the attempt that it is about, at the router `origin_reactor`.
  remote_item& add(std::size_t to, remote_item::type what, std::size_t origin_reactor, attempt_key origin) {
    auto& out = batch_for(to);
    return out.add(what, origin_reactor, origin);
  }

  void flush() {
    for (std::size_t i = 0; i < out_.size(); ++i) {
      if (out_[i]) site_.send((*site_.environment.routers)[i], std::move(out_[i]));
    }
  }

 private:
  remote_calls& batch_for(std::size_t reactor_index) {
    out_.resize(site_.router_count());
    auto& out = out_[reactor_index];
    if (!out) {
      out = site_.shared.remote.take();
      out->sent = site_.now();
    }
    return *out;
  }

  router_site& site_;
  std::vector<message_pointer<remote_calls>> out_;
};

}  // namespace weft
