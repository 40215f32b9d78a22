#include "node/commands/health.hpp"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include "node/process/exit_code.hpp"
#include "tests/node/commands/peer.hpp"

namespace weft::tools {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct outcome {
  int code;
  std::string output;
  std::string errors;
};

outcome health(const host_port& admin, std::chrono::nanoseconds timeout = std::chrono::seconds(20)) {
  std::ostringstream out;
  std::ostringstream err;
  int code = run_health({.admin = admin, .timeout = timeout}, out, err);
  return {code, out.str(), err.str()};
}

std::string read_request(client& connection) {
  std::string request;
  char byte = 0;
  while (!request.ends_with("\r\n\r\n") && wait_ready(connection.native_handle(), POLLIN, test_deadline()) &&
         ::recv(connection.native_handle(), &byte, 1, 0) == 1) {
    request += byte;
  }
  return request;
}

std::function<void(client&)> responding(std::string response) {
  return [response = std::move(response)](client& connection) {
    EXPECT_THAT(read_request(connection), StartsWith("GET /readyz?verbose HTTP/1.0\r\n"));
    EXPECT_TRUE(connection.send_bytes(response, test_deadline()));
  };
}

TEST(health, is_ok_when_ready_and_prints_the_checks) {
  peer admin(responding("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n[+]listener ok\n"));
  auto done = health(admin.address());
  EXPECT_EQ(done.code, exit_ok);
  EXPECT_EQ(done.output, "[+]listener ok\n");
  EXPECT_EQ(done.errors, "");
}

TEST(health, fails_when_not_ready) {
  peer admin(responding("HTTP/1.1 503 Service Unavailable\r\n\r\n[-]drain failed: draining"));
  auto done = health(admin.address());
  EXPECT_EQ(done.code, exit_failed);
  EXPECT_EQ(done.output, "[-]drain failed: draining\n");
  EXPECT_THAT(done.errors, HasSubstr("503"));
}

TEST(health, reports_what_is_no_http) {
  peer admin(responding("hello"));
  auto done = health(admin.address());
  EXPECT_EQ(done.code, exit_unreachable);
  EXPECT_THAT(done.errors, HasSubstr("--admin"));
}

TEST(health, reports_silence) {
  peer admin([](client& connection) {
    read_request(connection);
    EXPECT_FALSE(connection.receive(test_deadline()));
  });
  auto done = health(admin.address(), std::chrono::milliseconds(50));
  EXPECT_EQ(done.code, exit_unreachable);
  EXPECT_THAT(done.errors, HasSubstr("in time"));
}

TEST(health, reports_that_nobody_listens) {
  auto done = health(closed_address());
  EXPECT_EQ(done.code, exit_unreachable);
  EXPECT_THAT(done.errors, HasSubstr("Connection refused"));
}

}  // namespace
}  // namespace weft::tools
