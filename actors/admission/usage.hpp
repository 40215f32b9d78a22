// What a caller has of limits that many share: a connection, or all connections of an identity together, so
// that none of them takes more than its part.
//
// Thread safety: a `usage` belongs to one router, since its limits are those of a reactor. A `node_count` is
// of the whole node, and so is what counts there; any thread may use it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "actors/access/quota.hpp"

namespace weft {

using node_count = std::atomic<std::int64_t>;

/// What one caller has on one reactor.
struct usage {
  std::size_t calls = 0;
  std::size_t held_bytes = 0;
  /// Calls that wait for a permit.
  std::size_t waiting = 0;
  /// Blocking handlers, on all reactors; made when there is one.
  std::shared_ptr<node_count> blocking;
  /// Connections and calls under way, on all reactors; of an identity.
  std::shared_ptr<node_count> connections;
  std::shared_ptr<node_count> in_flight;
  /// Of an identity that has quotas.
  std::shared_ptr<weft::quota> quota;

  const std::shared_ptr<node_count>& blocking_count() {
    if (!blocking) blocking = std::make_shared<node_count>(0);
    return blocking;
  }
};

/// The counts of the whole node for each identity, by name.
class identity_counts {
 public:
  struct counts {
    std::shared_ptr<node_count> blocking = std::make_shared<node_count>(0);
    std::shared_ptr<node_count> connections = std::make_shared<node_count>(0);
    std::shared_ptr<node_count> in_flight = std::make_shared<node_count>(0);
    std::shared_ptr<weft::quota> quota;
  };
  /// Its meters begin anew when they are others than before; none without limits.
  counts of(const std::string& name, const quota_limits& limits);

 private:
  std::mutex mutex_;
  std::map<std::string, counts> known_;
};

/// A place in a limit of the node, in the share of whoever asked for it, or in both. It is given back by
/// `release`, at the latest by its end, on any thread and also when the connection that asked is gone.
class usage_account {
 public:
  enum class refusal : std::uint8_t { share, limit };

  /// Without `own` only the limit counts.
  static std::expected<usage_account, refusal> take(std::shared_ptr<node_count> all, std::size_t limit,
                                                    std::shared_ptr<node_count> own, std::size_t share);
  /// Nothing when the share is taken.
  static std::optional<usage_account> take_of_share(std::shared_ptr<node_count> own, std::size_t share);
  usage_account(usage_account&& other) noexcept = default;
  usage_account& operator=(usage_account&& other) noexcept;
  usage_account(const usage_account&) = delete;
  usage_account& operator=(const usage_account&) = delete;
  ~usage_account() { release(); }

  void release() noexcept;

 private:
  usage_account(std::shared_ptr<node_count> all, std::shared_ptr<node_count> own) noexcept
      : all_(std::move(all)), own_(std::move(own)) {}

  std::shared_ptr<node_count> all_;
  std::shared_ptr<node_count> own_;
};

}  // namespace weft
