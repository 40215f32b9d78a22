#include "actors/tls/identity_files.hpp"

#include <gmock/gmock.h>

#include "tests/actors/tls/support.hpp"

namespace weft::tls {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct identity_files_test : testing::Test {
  scratch files;
  std::unique_ptr<identity_files> used;

  void put(const std::string& name) {
    const auto own = issued({name});
    files.write("own.pem", own.certificate);
    files.write("own.key", own.key);
  }
  file_paths paths() const { return {files.path("own.pem"), files.path("own.key"), files.path("ca.pem")}; }
  void load() {
    files.write("ca.pem", bundle());
    put("first");
    auto loaded = identity_files::load({.paths = paths(), .shared = {}});
    ASSERT_TRUE(loaded) << loaded.error();
    used = std::move(*loaded);
  }
  /// The name that a new connection sees.
  std::string served() const {
    const linked both(client_of(), used->server(),
                      {.server_name = "first", .demanded = {"first", "second"}, .check_server_name = false});
    return both.up() ? both.client.peer_names().front().text : both.client.error();
  }
};

TEST_F(identity_files_test, serves_what_is_in_the_files) {
  load();
  EXPECT_EQ(served(), "first");
  EXPECT_FALSE(used->changed());
  EXPECT_EQ(used->reload().value(), "");
  EXPECT_GT(used->expires(), std::chrono::system_clock::now());
  EXPECT_TRUE(used->client());
}

TEST_F(identity_files_test, new_connections_get_the_new_certificate_and_open_ones_stay) {
  load();
  linked open(client_of(), used->server(), {.server_name = "first"});
  ASSERT_TRUE(open.up());
  put("second");
  EXPECT_TRUE(used->changed());
  EXPECT_THAT(used->reload().value(), HasSubstr("a new certificate of second, valid until "));
  EXPECT_FALSE(used->changed());
  EXPECT_EQ(served(), "second");
  EXPECT_EQ(open.client.write(std::string("still here")).what, progress::done);
  EXPECT_EQ(read_text(open.server), "still here");
}

TEST_F(identity_files_test, the_same_contents_are_nothing_new) {
  load();
  const auto before = used->server();
  files.write("ca.pem", bundle());
  EXPECT_TRUE(used->changed());
  EXPECT_EQ(used->reload().value(), "");
  // So that sessions can still be resumed.
  EXPECT_EQ(used->server(), before);
}

TEST_F(identity_files_test, a_broken_file_changes_nothing_and_is_told_once) {
  load();
  files.write("own.pem", "junk");
  EXPECT_TRUE(used->changed());
  const auto refused = used->reload();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(),
              AllOf(HasSubstr("own.pem"), HasSubstr("no certificate"), HasSubstr("stay in use")));
  EXPECT_EQ(served(), "first");
  EXPECT_FALSE(used->changed());
  // Who renews a certificate writes two files, one after the other.
  const auto own = issued({"second"});
  files.write("own.pem", own.certificate);
  EXPECT_THAT(used->reload().error(), HasSubstr("does not match"));
  files.write("own.key", own.key);
  EXPECT_TRUE(used->changed());
  EXPECT_TRUE(used->reload());
  EXPECT_EQ(served(), "second");
}

TEST_F(identity_files_test, a_file_that_vanishes_is_a_change) {
  load();
  std::filesystem::remove(files.path("own.key"));
  EXPECT_TRUE(used->changed());
  EXPECT_THAT(used->reload().error(), HasSubstr("No such file"));
  EXPECT_FALSE(used->changed());
  EXPECT_EQ(served(), "first");
}

TEST_F(identity_files_test, a_mode_that_was_put_right_is_a_change) {
  load();
  ASSERT_EQ(::chmod(files.path("own.key").c_str(), 0644), 0);
  EXPECT_TRUE(used->changed());
  EXPECT_THAT(used->reload().error(), HasSubstr("chmod 600"));
  EXPECT_FALSE(used->changed());
}

TEST_F(identity_files_test, follows_links_as_kubernetes_makes_them) {
  namespace fs = std::filesystem;
  for (const std::string version : {"v1", "v2"}) {
    fs::create_directory(files.path(version));
    const auto own = issued({version == "v1" ? "first" : "second"});
    files.write(version + "/own.pem", own.certificate);
    files.write(version + "/own.key", own.key);
    files.write(version + "/ca.pem", bundle());
  }
  fs::create_directory_symlink("v1", files.path("..data"));
  for (const std::string name : {"own.pem", "own.key", "ca.pem"})
    fs::create_symlink("..data/" + name, files.path(name));
  used = identity_files::load({.paths = paths(), .shared = {}}).value();
  EXPECT_EQ(served(), "first");
  fs::create_directory_symlink("v2", files.path("..data_tmp"));
  fs::rename(files.path("..data_tmp"), files.path("..data"));
  EXPECT_TRUE(used->changed());
  EXPECT_TRUE(used->reload());
  EXPECT_EQ(served(), "second");
}

TEST_F(identity_files_test, another_bundle_is_told) {
  load();
  files.write("ca.pem", bundle() + bundle(dev_authority::make(now_plus(-1), now_plus(1)).value()));
  EXPECT_EQ(used->reload().value(), "another CA bundle");
}

TEST_F(identity_files_test, a_bundle_alone_makes_clients_only) {
  files.write("ca.pem", bundle());
  const auto loaded = identity_files::load({.paths = {"", "", files.path("ca.pem")}, .shared = {}}).value();
  EXPECT_FALSE(loaded->server());
  EXPECT_TRUE(loaded->client());
  EXPECT_EQ(loaded->expires(), time_point{});
}

TEST_F(identity_files_test, does_not_begin_with_broken_files) {
  const auto loaded = identity_files::load({.paths = paths(), .shared = {}});
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error(), HasSubstr("ca.pem"));
}

}  // namespace
}  // namespace weft::tls
