// What an uplink actor is to do, and how it tells other threads how it stands.
//
// Thread safety: the monitor may be used by any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/config/options.hpp"

namespace weft {

struct uplink_failure {
  /// 0 when the node did not say one.
  std::int32_t code = 0;
  std::string message;
  /// Of the node, if it is about one.
  std::string address{};
};

class uplink_monitor {
 public:
  void on_up(std::string node);
  void on_down(uplink_failure why);
  /// Every address was tried in vain.
  void on_round_failed(uplink_failure why);
  /// Every node has refused what will not change by itself: nobody is dialled any more. Calls what
  /// `when_refused` was given, on the reactor.
  void on_refused(uplink_failure why);
  /// Before the uplink starts.
  void when_refused(std::function<void()> act) { refused_act_ = std::move(act); }
  /// Why nobody is dialled any more, once that is so.
  std::optional<uplink_failure> refusal() const;

  /// Until the connection is up, every address was tried in vain once, or the time is over. Nothing when it
  /// is up.
  std::optional<uplink_failure> wait_first(std::chrono::steady_clock::time_point until);
  bool is_up() const;
  /// The id of the node, or of the last one.
  std::string node() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool up_ = false;
  std::string node_;
  bool round_failed_ = false;
  std::optional<uplink_failure> refusal_;
  std::function<void()> refused_act_;
  uplink_failure last_;
};

struct uplink_task {
  /// At least one.
  std::vector<host_port> addresses;
  /// The params of `connect`, as JSON, and whether they say that something is served.
  std::string raw_introduction;
  bool serves = false;
  /// Ends once every node has refused for a reason that stays, and tells the monitor.
  bool ends_when_refused = false;
  std::shared_ptr<uplink_monitor> monitor = std::make_shared<uplink_monitor>();
};

}  // namespace weft
