// The CPU quota of a container, and what a node does about it.
//
// A control group that has used up its quota stands still for the rest of the period, 100 ms by default: more
// reactors than it has cores, or one that polls before it sleeps, bring that about.
// Source: https://docs.kernel.org/admin-guide/cgroup-v2.html (cpu.max), and cpu.cfs_quota_us of version 1.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "node/config/loader.hpp"

namespace weft {

/// Cores that this process's control group may use on average; empty when there is no quota. `root` is where
/// control groups are mounted; in a container that is its own group.
std::optional<double> cpu_quota(const std::string& root = "/sys/fs/cgroup");

/// Lets what was left to its default respect the quota: one reactor per core of it at most, and no polling
/// where it is less than a core per reactor. Returns a sentence for each change, for the log.
std::vector<std::string> fit_to_cpu_quota(loaded_config& config, double quota_cores,
                                          std::size_t machine_cores);

}  // namespace weft
