// What a client, a node of the public interface and a service at a node run in: a mesh_node, the way to its
// reactors, and its services.
//
// Ownership: shared by the handles of the public interface. Thread safety: any thread; the last handle may be
// let go on one of its own reactors.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/api/loop_gate.hpp"
#include "actors/api/service_state.hpp"
#include "actors/mesh_node.hpp"
#include "weft/error.hpp"

namespace weft::detail {

class runtime {
 public:
  struct plan {
    node_options options;
    std::vector<std::shared_ptr<service_state>> services;
    std::shared_ptr<spdlog::logger> log;
    std::optional<uplink_task> uplink;
  };

  /// Started; the error of a failed start is a sentence.
  static std::expected<std::shared_ptr<runtime>, std::string> start(plan how);
  ~runtime();
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  const std::shared_ptr<loop_gate>& gate() const noexcept { return gate_; }
  const std::shared_ptr<uplink_monitor>& monitor() const noexcept { return monitor_; }
  mesh_node& node() noexcept { return *node_; }
  /// Once; from one of its own reactors it returns before that has ended.
  void stop();

 private:
  explicit runtime(plan how);
  bool is_on_own_loop() const { return gate_->here().has_value(); }

  std::shared_ptr<loop_gate> gate_ = std::make_shared<loop_gate>();
  std::vector<std::shared_ptr<service_state>> services_;
  std::shared_ptr<uplink_monitor> monitor_;
  std::shared_ptr<mesh_node> node_;
  std::once_flag stopped_;
};

/// Warnings, or more, on standard error.
std::shared_ptr<spdlog::logger> default_log(bool tells_all);

/// What a client or a service tells the node that it connects to, as a plan.
struct introduction {
  std::string name;
  std::string instance;
  std::string token;
  std::chrono::milliseconds heartbeat{15'000};
  std::chrono::milliseconds connect_timeout{3'000};
  std::chrono::milliseconds default_deadline{30'000};
  bool serves = false;
};
result<runtime::plan> plan_uplink(const addresses& nodes, const introduction& who,
                                  std::vector<std::shared_ptr<service_state>> services,
                                  std::shared_ptr<spdlog::logger> log);

}  // namespace weft::detail
