#include "node/admin/server.hpp"

#include <chrono>
#include <future>
#include <optional>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/frame.hpp"
#include "tests/node/admin/fake_admin_sources.hpp"

namespace weft {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

int open_socket() {
  return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

void connect_to(int fd, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
}

/// All that comes back; closes `fd`.
std::string read_to_end(int fd) {
  std::string answer;
  char buffer[4096];
  for (ssize_t n = 0; (n = recv(fd, buffer, sizeof buffer, 0)) > 0;)
    answer.append(buffer, static_cast<std::size_t>(n));
  close(fd);
  return answer;
}

/// Sends raw bytes on a fresh connection and returns all that comes back; closes `fd`.
std::string exchange(int fd, std::uint16_t port, const std::string& bytes) {
  connect_to(fd, port);
  EXPECT_EQ(send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  return read_to_end(fd);
}

class admin_http : public testing::Test {
 protected:
  void SetUp() override {
    auto started = admin_server::start({"127.0.0.1", 0}, node.sources());
    ASSERT_TRUE(started) << started.error();
    server = *std::move(started);
  }

  std::string request(const std::string& bytes) {
    return exchange(open_socket(), server->address().port, bytes);
  }
  std::string get(const std::string& target) {
    return request("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
  }

  fake_node node;
  std::unique_ptr<admin_server> server;
};

TEST_F(admin_http, reports_the_real_port) {
  EXPECT_EQ(server->address().host, "127.0.0.1");
  EXPECT_NE(server->address().port, 0);
}

TEST_F(admin_http, serves_a_page_and_closes) {
  const std::string answer = get("/metrics");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 10\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\nweft_up 1\n"));
}

TEST_F(admin_http, passes_queries_and_bodies_on) {
  EXPECT_THAT(get("/readyz?verbose"), HasSubstr("[+]listening ok: 127.0.0.1:7400\n"));
  EXPECT_THAT(request("POST /log-level HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\ndebug"),
              StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(node.level(), "debug");
  node.set_level("info");
  EXPECT_THAT(request("POST /log-level?level=debug HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
              StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(node.level(), "debug");
}

TEST_F(admin_http, chunked_bodies_are_read_too) {
  EXPECT_THAT(request("POST /log-level HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "2\r\nde\r\n3\r\nbug\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(node.level(), "debug");
}

TEST_F(admin_http, head_has_the_headers_only) {
  const std::string answer = request("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 10\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(admin_http, refusals_have_their_status) {
  EXPECT_THAT(get("/nowhere"), StartsWith("HTTP/1.1 404 Not Found\r\n"));
  const std::string wrong_method = request("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(wrong_method, StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"));
  EXPECT_THAT(wrong_method, HasSubstr("\r\nAllow: GET, HEAD\r\n"));
  const std::string body(100'000, 'x');
  EXPECT_THAT(request("POST /log-level HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                      std::to_string(body.size()) + "\r\n\r\n" + body),
              StartsWith("HTTP/1.1 413 "));
  node.fail_draining_check("SIGTERM was received");
  EXPECT_THAT(get("/readyz"), StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
}

TEST_F(admin_http, invites_no_other_web_site) {
  const std::string preflight = request(
      "OPTIONS /log-level HTTP/1.1\r\nHost: a\r\nOrigin: http://evil.example\r\n"
      "Access-Control-Request-Method: POST\r\n\r\n");
  EXPECT_THAT(preflight, Not(HasSubstr("Access-Control-Allow")));
  EXPECT_THAT(get("/config"), Not(HasSubstr("Access-Control-Allow")));
}

TEST_F(admin_http, tells_at_once_whoever_brings_something_else) {
  std::string frame;
  proto::append_frame(frame, R"({"jsonrpc":"2.0","id":1,"method":"foo"})");
  const std::string hello("\x16\x03\x01\x02\0\x01", 6);
  for (const std::string& bytes : {frame, hello, std::string("{\"id\":1}")}) {
    const auto began = std::chrono::steady_clock::now();
    const std::string answer = request(bytes);
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(900));
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
    EXPECT_THAT(answer, HasSubstr("admin port"));
  }
}

TEST_F(admin_http, tells_whoever_has_sent_no_line_after_a_second) {
  for (const std::string bytes : {"", "GET /livez"}) {
    const auto began = std::chrono::steady_clock::now();
    EXPECT_THAT(request(bytes), StartsWith("HTTP/1.1 408 Request Timeout\r\n")) << bytes;
    EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::seconds(1));
  }
}

TEST_F(admin_http, a_line_may_arrive_in_pieces_and_its_headers_take_their_time) {
  const int fd = open_socket();
  connect_to(fd, server->address().port);
  for (const std::string_view piece : {"\r\n", "GE", "T /livez HT", "TP/1.1\r\n"})
    EXPECT_EQ(send(fd, piece.data(), piece.size(), MSG_NOSIGNAL), static_cast<ssize_t>(piece.size()));
  pollfd ended{fd, POLLIN, 0};
  EXPECT_EQ(poll(&ended, 1, 1500), 0) << "it was cut";
  const std::string_view rest = "Host: a\r\n\r\n";
  EXPECT_EQ(send(fd, rest.data(), rest.size(), MSG_NOSIGNAL), static_cast<ssize_t>(rest.size()));
  EXPECT_THAT(read_to_end(fd), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(admin_http, survives_garbage_and_early_hang_ups) {
  request(std::string(20'000, '\xff') + "\r\n\r\n");
  request("GET\r\n\r\n");
  for (int i = 0; i < 50; ++i) {
    const int fd = open_socket();
    connect_to(fd, server->address().port);
    close(fd);
  }
  EXPECT_THAT(get("/livez"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(admin_http, answers_while_another_request_is_stuck) {
  std::promise<void> entered;
  std::promise<void> leave;
  admin_sources sources = node.sources();
  sources.peers = [&] {
    entered.set_value();
    leave.get_future().wait();
    return nlohmann::json::array();
  };
  auto stuck = admin_server::start({"127.0.0.1", 0}, sources);
  ASSERT_TRUE(stuck) << stuck.error();
  const std::uint16_t port = (*stuck)->address().port;
  std::jthread slow{[port] { exchange(open_socket(), port, "GET /peers HTTP/1.1\r\nHost: a\r\n\r\n"); }};
  entered.get_future().wait();
  EXPECT_THAT(exchange(open_socket(), port, "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"),
              StartsWith("HTTP/1.1 200 OK"));
  leave.set_value();
}

TEST_F(admin_http, stops_without_making_a_drained_node_wait) {
  EXPECT_THAT(get("/livez"), StartsWith("HTTP/1.1 200 OK"));
  const auto before = std::chrono::steady_clock::now();
  server.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds{1});
}

TEST_F(admin_http, an_address_in_use_is_explained) {
  const host_port taken = server->address();
  const auto second = admin_server::start(taken, node.sources());
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error(),
              HasSubstr("admin server: cannot listen on 127.0.0.1:" + std::to_string(taken.port)));
  EXPECT_THAT(second.error(), HasSubstr("Address already in use"));
  EXPECT_THAT(second.error(), HasSubstr("--admin"));
}

TEST(admin_start, a_host_that_is_not_of_this_machine_is_explained) {
  fake_node node;
  const auto unknown = admin_server::start({"no-such-host.invalid", 0}, node.sources());
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error(), HasSubstr("cannot listen on no-such-host.invalid:0: no-such-host.invalid: "));
  const auto foreign = admin_server::start({"192.0.2.1", 9464}, node.sources());
  ASSERT_FALSE(foreign);
  EXPECT_THAT(foreign.error(), HasSubstr("Cannot assign requested address"));
}

/// Uses up the descriptors of the process and gives them back.
class descriptor_shortage {
 public:
  /// Leaves `spare` descriptors.
  explicit descriptor_shortage(std::size_t spare) {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit low = before_;
    low.rlim_cur = 256;
    setrlimit(RLIMIT_NOFILE, &low);
    for (int fd = 0; (fd = dup(0)) >= 0;) taken_.push_back(fd);
    for (; spare > 0; --spare) {
      close(taken_.back());
      taken_.pop_back();
    }
  }
  ~descriptor_shortage() {
    for (const int fd : taken_) close(fd);
    setrlimit(RLIMIT_NOFILE, &before_);
  }
  descriptor_shortage(const descriptor_shortage&) = delete;
  descriptor_shortage& operator=(const descriptor_shortage&) = delete;

 private:
  rlimit before_{};
  std::vector<int> taken_;
};

TEST_F(admin_http, one_spare_descriptor_is_enough_for_a_health_check) {
  const int client = open_socket();
  const descriptor_shortage shortage{1};
  EXPECT_THAT(exchange(client, server->address().port, "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"),
              StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(admin_http, recovers_after_it_had_no_descriptor_at_all) {
  const int client = open_socket();
  std::optional<descriptor_shortage> shortage{0};
  connect_to(client, server->address().port);
  shortage.reset();
  close(client);
  EXPECT_THAT(get("/livez"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

}  // namespace
}  // namespace weft
