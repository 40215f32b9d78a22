// Nodes and clients in this process, for tests of the public interface.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include "weft/testing.hpp"
#include "weft/weft.hpp"

namespace weft {

/// Far away: a test that waits so long has failed.
inline constexpr std::chrono::seconds far_away{60};

inline node start_node(const std::vector<service>& services, std::string id = "here",
                       std::size_t reactors = 1) {
  auto started = node::start({.id = std::move(id), .listen = "127.0.0.1:0", .reactors = reactors}, services);
  EXPECT_TRUE(started) << fmt::format("{}", started.error());
  return std::move(started).value();
}

inline client connect_to(const node& to, client_options options = {}) {
  options.connect_timeout = far_away;
  auto connected = client::connect(to.listen_address(), options);
  EXPECT_TRUE(connected) << fmt::format("{}", connected.error());
  return std::move(connected).value();
}

/// Something that happens on another thread.
template <class T>
class arrival {
 public:
  void put(T value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    changed_.notify_all();
  }
  /// The next one; a failure when none comes.
  T take() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, far_away, [this] { return !values_.empty(); })) {
      ADD_FAILURE() << "nothing has come";
      std::abort();
    }
    T value = std::move(values_.front());
    values_.erase(values_.begin());
    return value;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> values_;
};

/// What is logged.
class kept_log {
 public:
  const std::shared_ptr<spdlog::logger>& logger() const noexcept { return logger_; }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> logger_ =
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_));
};

}  // namespace weft
