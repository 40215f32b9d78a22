// The way from any thread to the reactors of a running mesh_node, which closes before they end: whoever
// keeps one may outlive them.
//
// Thread safety: any thread.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <vector>

#include <caf/actor_control_block.hpp>

#include "actors/messages/uplink_messages.hpp"

namespace weft {

class loop_gate {
 public:
  void open(std::vector<caf::strong_actor_ptr> routers);
  void close();

  /// False, and `work` is dropped, when the gate is not open.
  bool post(std::size_t reactor_index, posted_work::function work);
  /// The reactor that runs on this thread, if it is one of these.
  std::optional<std::size_t> here() const;

 private:
  /// What a reactor that has ended drops may call back, and from there post again.
  mutable std::recursive_mutex mutex_;
  std::vector<caf::strong_actor_ptr> routers_;
};

}  // namespace weft
