#include "node/config/cpu_quota.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <unistd.h>

namespace weft {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

class cpu_quota_test : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(root_ / "cpu"); }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const char* name, const char* text) { std::ofstream(root_ / name) << text; }
  std::optional<double> quota() const { return cpu_quota(root_.string()); }

 private:
  std::filesystem::path root_ =
      std::filesystem::temp_directory_path() / ("weft-cpu-quota-" + std::to_string(::getpid()));
};

TEST_F(cpu_quota_test, is_read_in_both_versions_of_control_groups) {
  EXPECT_EQ(quota(), std::nullopt);
  write("cpu/cpu.cfs_quota_us", "50000\n");
  write("cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_THAT(quota(), Optional(0.5));
  write("cpu/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(quota(), std::nullopt);
  write("cpu.max", "150000 100000\n");
  EXPECT_THAT(quota(), Optional(1.5));
  for (const auto* none : {"max 100000\n", "", "150000\n", "0 100000\n", "150000 0\n", "a lot\n"}) {
    write("cpu.max", none);
    EXPECT_EQ(quota(), std::nullopt) << none;
  }
}

loaded_config configured(std::vector<variable> environment) {
  return *load_config({.file = {}, .environment = std::move(environment), .flags = {}});
}

TEST_F(cpu_quota_test, lets_defaults_respect_it) {
  auto config = configured({});
  EXPECT_THAT(fit_to_cpu_quota(config, 1.5, 8),
              ElementsAre("2 reactors: the CPU quota is 1.5 cores",
                          "no polling before reactors sleep: the CPU quota is 1.5 cores"));
  EXPECT_EQ(config.options.node.reactors, 2U);
  EXPECT_EQ(config.options.node.reactor.poll_window.count(), 0);
  EXPECT_THAT(config.origins, testing::Contains("CPU quota of 1.5 cores").Times(2));
}

TEST_F(cpu_quota_test, that_is_whole_leaves_polling_alone) {
  auto config = configured({});
  EXPECT_THAT(fit_to_cpu_quota(config, 2, 8), ElementsAre("2 reactors: the CPU quota is 2 cores"));
  EXPECT_GT(config.options.node.reactor.poll_window.count(), 0);
}

TEST_F(cpu_quota_test, that_exceeds_the_machine_changes_nothing) {
  auto config = configured({});
  EXPECT_THAT(fit_to_cpu_quota(config, 16, 8), IsEmpty());
  EXPECT_EQ(config.options.node.reactors, 0U);
}

TEST_F(cpu_quota_test, changes_nothing_that_was_said) {
  auto config = configured({{"WEFT_REACTORS", "4"}, {"WEFT_REACTOR_POLL_WINDOW", "50us"}});
  EXPECT_THAT(fit_to_cpu_quota(config, 0.5, 8), IsEmpty());
  EXPECT_EQ(config.options.node.reactors, 4U);
}

}  // namespace
}  // namespace weft
