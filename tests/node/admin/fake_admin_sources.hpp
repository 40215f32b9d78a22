// Sources for the admin pages that a test fills by hand.
//
// Thread safety: the members may be used while a server reads the sources.
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "node/admin/routes.hpp"

namespace weft {

class fake_node {
 public:
  std::string level() const {
    const std::lock_guard lock{mutex_};
    return level_;
  }
  void set_level(std::string level) {
    const std::lock_guard lock{mutex_};
    level_ = std::move(level);
  }
  void fail_draining_check(std::string why) {
    const std::lock_guard lock{mutex_};
    checks_[1] = {"draining", false, std::move(why)};
  }

  admin_sources sources() {
    return {.metrics = [] { return std::string{"weft_up 1\n"}; },
            .liveness = [] { return std::string{}; },
            .readiness =
                [this] {
                  const std::lock_guard lock{mutex_};
                  return checks_;
                },
            .connections = [] { return nlohmann::json::array({{{"id", 7}}}); },
            .peers = [] { return nlohmann::json::array({{{"name", "b"}}}); },
            .routes = [] { return nlohmann::json{{"foo", {"a"}}}; },
            .methods = [] { return nlohmann::json::array({"foo"}); },
            .config = [] { return nlohmann::json{{"values", {{"id", "a"}}}}; },
            .log_level = [this] { return level(); },
            .set_log_level = [this](std::string_view wanted) -> std::expected<void, std::string> {
              if (wanted != "debug")
                return std::unexpected("\"" + std::string{wanted} + "\" is no level; use debug");
              set_level(std::string{wanted});
              return {};
            }};
  }

 private:
  mutable std::mutex mutex_;
  std::vector<readiness_check> checks_{{"listening", true, "127.0.0.1:7400"}, {"draining", true, ""}};
  std::string level_ = "info";
};

}  // namespace weft
