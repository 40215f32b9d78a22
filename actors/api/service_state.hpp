// What a service is made of, and how it becomes methods of a node.
//
// Thread safety: complete before it runs; `spawn`, `open` and `close` may be called from any thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/api/loop_gate.hpp"
#include "actors/service/service_host.hpp"
#include "weft/service.hpp"

namespace weft {

class service_state {
 public:
  explicit service_state(std::string name) : name_(std::move(name)) {}

  const std::string& name() const noexcept { return name_; }
  void add(detail::method_entry entry);
  /// Calls that come before `open` find the gate closed.
  void add_to(service_host& host, const std::shared_ptr<loop_gate>& gate) const;
  /// `serves` of the protocol's `connect`.
  nlohmann::json declaration() const;

  using entries = std::vector<std::shared_ptr<const detail::method_entry>>;
  const entries& methods() const noexcept { return methods_; }

  void spawn(coro::task<void> background);
  /// It runs: what waited is spawned.
  void open(const std::function<void(coro::task<void>)>& launch);
  void close();

 private:
  std::string name_;
  entries methods_;
  std::mutex mutex_;
  /// Null while it does not run.
  std::function<void(coro::task<void>)> launch_;
  std::vector<coro::task<void>> waiting_;
};

/// Runs tasks on the reactor of this thread, or else on the first one.
std::function<void(coro::task<void>)> launcher(std::shared_ptr<loop_gate> gate);

}  // namespace weft
