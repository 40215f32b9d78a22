#include "node/config/cpu_quota.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include <fmt/format.h>

#include "node/process/file_text.hpp"

namespace weft {
namespace {

std::optional<double> ratio_of(const std::string& quota_and_period) {
  std::istringstream text(quota_and_period);
  double quota = 0;
  double period = 0;
  // "max" and -1 are no quota.
  if (!(text >> quota >> period) || quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

}  // namespace

std::optional<double> cpu_quota(const std::string& root) {
  if (const auto both = read_file(root + "/cpu.max")) return ratio_of(*both);
  const auto quota = read_file(root + "/cpu/cpu.cfs_quota_us");
  const auto period = read_file(root + "/cpu/cpu.cfs_period_us");
  return quota && period ? ratio_of(*quota + ' ' + *period) : std::nullopt;
}

std::vector<std::string> fit_to_cpu_quota(loaded_config& config, double quota_cores,
                                          std::size_t machine_cores) {
  std::vector<std::string> changes;
  const auto table = option_table();
  const auto changed = [&](std::string_view key, std::string change) {
    const auto row = std::ranges::find(table, key, &option::key) - table.begin();
    config.origins[static_cast<std::size_t>(row)] = fmt::format("CPU quota of {:.3g} cores", quota_cores);
    changes.push_back(fmt::format("{}: the CPU quota is {:.3g} cores", change, quota_cores));
  };
  const auto is_default = [&](std::string_view key) {
    const auto row = std::ranges::find(table, key, &option::key) - table.begin();
    return config.origins[static_cast<std::size_t>(row)] == "default";
  };
  node_options& node = config.options.node;
  auto reactors = node.reactors == 0 ? machine_cores : node.reactors;
  if (const auto fitting = static_cast<std::size_t>(std::ceil(quota_cores));
      node.reactors == 0 && fitting < reactors) {
    node.reactors = reactors = fitting;
    changed("reactors", fmt::format("{} reactors", fitting));
  }
  if (static_cast<double>(reactors) > quota_cores && node.reactor.poll_window.count() > 0 &&
      is_default("reactor.poll_window")) {
    node.reactor.poll_window = {};
    changed("reactor.poll_window", "no polling before reactors sleep");
  }
  return changes;
}

}  // namespace weft
