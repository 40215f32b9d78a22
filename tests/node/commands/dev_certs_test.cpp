#include "node/commands/dev_certs.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "actors/tls/identity_files.hpp"
#include "node/process/exit_code.hpp"

namespace weft::tools {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct dev_certs_test : testing::Test {
  dev_certs_test() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weft-certs-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    root = pattern;
    options.directory = (root / "made").string();
  }
  ~dev_certs_test() override { std::filesystem::remove_all(root); }

  int run() {
    output.str({});
    errors.str({});
    return run_dev_certs(options, output, errors);
  }
  std::string path(const std::string& name) const { return options.directory + "/" + name; }
  std::string text(const std::string& name) const {
    std::ifstream file(path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  tls::material load(const std::string& name) const {
    auto read = tls::read_material({path(name + ".pem"), path(name + ".key"), path("ca.pem")});
    EXPECT_TRUE(read) << read.error();
    return read ? *std::move(read) : tls::material();
  }

  std::filesystem::path root;
  dev_certs_options options{.directory = {}};
  std::ostringstream output;
  std::ostringstream errors;
};

TEST_F(dev_certs_test, makes_a_ca_and_certificates_that_are_marked) {
  ASSERT_EQ(run(), exit_ok) << errors.str();
  EXPECT_THAT(output.str(), AllOf(HasSubstr("ca.pem, ca.key, a.pem, a.key"), HasSubstr("localhost.pem"),
                                  HasSubstr("NOT FOR PRODUCTION"), HasSubstr("--ca " + path("ca.pem"))));
  for (const std::string name : {"a", "b", "c", "localhost"}) {
    const auto made = load(name);
    ASSERT_TRUE(made.certificate);
    EXPECT_THAT(tls::subject_of(*made.certificate), HasSubstr("weft dev CA - not for production"));
    EXPECT_THAT(tls::issuer_of(*made.certificate), HasSubstr("weft dev CA - not for production"));
    const auto names = tls::names_of(*made.certificate);
    EXPECT_EQ(names.front().text, name);
    for (const std::string also : {"localhost", "127.0.0.1", "::1"})
      EXPECT_TRUE(tls::any_of(names, std::vector{also})) << also;
    EXPECT_TRUE(tls::context::make_server(made, {.clients = tls::client_auth::required}));
  }
}

TEST_F(dev_certs_test, keeps_keys_to_their_owner) {
  options.names = {"a"};
  ASSERT_EQ(run(), exit_ok);
  for (const std::string name : {"ca.key", "a.key"}) {
    struct stat status{};
    ASSERT_EQ(::stat(path(name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U) << name;
  }
}

TEST_F(dev_certs_test, valid_as_long_as_asked_for) {
  options.names = {"a"};
  options.days = 3;
  ASSERT_EQ(run(), exit_ok);
  const auto left = tls::valid_until(*load("a").certificate) - std::chrono::system_clock::now();
  EXPECT_LE(left, std::chrono::days(3));
  EXPECT_GT(left, std::chrono::days(3) - std::chrono::minutes(10));
}

TEST_F(dev_certs_test, overwrites_nothing_unless_it_must) {
  options.names = {"a"};
  ASSERT_EQ(run(), exit_ok);
  const auto before = text("a.pem");
  options.names = {"b", "a"};
  EXPECT_EQ(run(), exit_failed);
  EXPECT_THAT(errors.str(), AllOf(HasSubstr("a.pem"), HasSubstr("a.key"), HasSubstr("--force")));
  EXPECT_FALSE(std::filesystem::exists(path("b.pem")));
  EXPECT_EQ(text("a.pem"), before);
  options.force = true;
  EXPECT_EQ(run(), exit_ok);
  EXPECT_NE(text("a.pem"), before);
}

TEST_F(dev_certs_test, uses_its_ca_again) {
  options.names = {"a"};
  ASSERT_EQ(run(), exit_ok);
  const auto authority = text("ca.pem");
  options.names = {"b.example"};
  ASSERT_EQ(run(), exit_ok) << errors.str();
  EXPECT_THAT(output.str(), AllOf(HasSubstr("the CA that was there"), Not(HasSubstr("ca.key"))));
  EXPECT_EQ(text("ca.pem"), authority);
  EXPECT_EQ(tls::short_name(*load("b.example").certificate), "b.example");
}

TEST_F(dev_certs_test, leaves_other_and_half_cas_alone) {
  options.names = {"a"};
  ASSERT_EQ(run(), exit_ok);
  std::filesystem::remove(path("ca.key"));
  options.names = {"b"};
  EXPECT_EQ(run(), exit_failed);
  EXPECT_THAT(errors.str(), HasSubstr("is not: remove it"));
  std::ofstream(path("ca.key")) << "nothing";
  ASSERT_EQ(::chmod(path("ca.key").c_str(), 0600), 0);
  EXPECT_EQ(run(), exit_failed);
  EXPECT_THAT(errors.str(), AllOf(HasSubstr("cannot be used"), HasSubstr("no private key")));
}

TEST_F(dev_certs_test, refuses_names_that_are_no_names) {
  for (const std::string wrong : {"", "..", "a/b", "ca", "-x", "DNS:a,IP:1", "a b"}) {
    options.names = {wrong};
    EXPECT_EQ(run(), exit_usage) << wrong;
    EXPECT_THAT(errors.str(), HasSubstr("--name: "));
  }
  EXPECT_FALSE(std::filesystem::exists(options.directory));
  options.names = {"10.0.0.1", "fe80::1"};
  EXPECT_EQ(run(), exit_ok) << errors.str();
  EXPECT_EQ(tls::names_of(*load("fe80::1").certificate).front(), (tls::san{tls::name_kind::ip, "fe80::1"}));
}

TEST_F(dev_certs_test, tells_what_it_cannot_write) {
  std::ofstream(root / "file") << "x";
  options.directory = (root / "file" / "below").string();
  EXPECT_EQ(run(), exit_failed);
  EXPECT_THAT(errors.str(), HasSubstr("cannot make"));
}

}  // namespace
}  // namespace weft::tools
