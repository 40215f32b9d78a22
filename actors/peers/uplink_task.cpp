#include "actors/peers/uplink_task.hpp"

#include <utility>

namespace weft {

void uplink_monitor::on_up(std::string node) {
  const std::lock_guard lock(mutex_);
  up_ = true;
  node_ = std::move(node);
  changed_.notify_all();
}

void uplink_monitor::on_down(uplink_failure why) {
  const std::lock_guard lock(mutex_);
  up_ = false;
  last_ = std::move(why);
  changed_.notify_all();
}

void uplink_monitor::on_round_failed(uplink_failure why) {
  const std::lock_guard lock(mutex_);
  round_failed_ = true;
  last_ = std::move(why);
  changed_.notify_all();
}

void uplink_monitor::on_refused(uplink_failure why) {
  {
    const std::lock_guard lock(mutex_);
    refusal_ = std::move(why);
  }
  if (refused_act_) refused_act_();
}

std::optional<uplink_failure> uplink_monitor::refusal() const {
  const std::lock_guard lock(mutex_);
  return refusal_;
}

std::optional<uplink_failure> uplink_monitor::wait_first(std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, until, [&] { return up_ || round_failed_; });
  if (up_) return std::nullopt;
  if (last_.message.empty()) return uplink_failure{0, "no connection in time", {}};
  return last_;
}

bool uplink_monitor::is_up() const {
  const std::lock_guard lock(mutex_);
  return up_;
}

std::string uplink_monitor::node() const {
  const std::lock_guard lock(mutex_);
  return node_;
}

}  // namespace weft
