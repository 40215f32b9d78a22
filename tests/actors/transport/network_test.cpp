// Addresses: as they are written, as the kernel wants them; and how many connections there may be.
#include "actors/transport/network.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <unistd.h>

#include "actors/transport/acceptor.hpp"

namespace weft {
namespace {

template <class Address>
sockaddr_storage made_of(int family, const char* host, std::uint16_t port, in_port_t Address::* port_member,
                         auto Address::* host_member) {
  sockaddr_storage storage{};
  storage.ss_family = static_cast<sa_family_t>(family);
  auto& address = reinterpret_cast<Address&>(storage);
  address.*port_member = htons(port);
  EXPECT_EQ(::inet_pton(family, host, &(address.*host_member)), 1);
  return storage;
}

sockaddr_storage v4(const char* host, std::uint16_t port) {
  return made_of(AF_INET, host, port, &sockaddr_in::sin_port, &sockaddr_in::sin_addr);
}

sockaddr_storage v6(const char* host, std::uint16_t port) {
  return made_of(AF_INET6, host, port, &sockaddr_in6::sin6_port, &sockaddr_in6::sin6_addr);
}

TEST(network, writes_addresses) {
  EXPECT_EQ(format_address(v4("127.0.0.1", 7400)), "127.0.0.1:7400");
  EXPECT_EQ(format_address(v4("10.20.30.40", 65535)), "10.20.30.40:65535");
  EXPECT_EQ(format_address(v6("::1", 80)), "[::1]:80");
  EXPECT_EQ(format_address(v6("2001:db8::7", 1)), "[2001:db8::7]:1");
}

TEST(network, writes_hosts_and_ports) {
  EXPECT_EQ(format_host_port({"example.org", 7400}), "example.org:7400");
  EXPECT_EQ(format_host_port({"::1", 7400}), "[::1]:7400");
}

TEST(network, knows_ports_and_lengths_of_both_families) {
  EXPECT_EQ(port_of(v4("127.0.0.1", 7400)), 7400);
  EXPECT_EQ(port_of(v6("::1", 7401)), 7401);
  EXPECT_EQ(length_of(v4("127.0.0.1", 1)), sizeof(sockaddr_in));
  EXPECT_EQ(length_of(v6("::1", 1)), sizeof(sockaddr_in6));
}

TEST(network, numeric_addresses_need_no_look_up) {
  const auto found = numeric_address({"127.0.0.1", 7400});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(format_address(found[0]), "127.0.0.1:7400");
  const auto found6 = numeric_address({"::1", 7400});
  ASSERT_EQ(found6.size(), 1U);
  EXPECT_EQ(format_address(found6[0]), "[::1]:7400");
  EXPECT_TRUE(numeric_address({"localhost", 7400}).empty());
}

TEST(network, names_are_looked_up) {
  const auto found = resolve_host({"localhost", 7400});
  ASSERT_TRUE(found) << found.error();
  ASSERT_FALSE(found->empty());
  for (const auto& address : *found) EXPECT_EQ(port_of(address), 7400);
}

TEST(network, a_name_that_does_not_exist_is_named) {
  // Malformed, so that no name server is asked.
  const auto found = resolve_host({"no..such..host", 7400});
  ASSERT_FALSE(found);
  EXPECT_TRUE(found.error().contains("no..such..host")) << found.error();
}

TEST(listening_socket, takes_a_free_port_and_tells_it) {
  const auto socket = listening_socket::open({{"127.0.0.1", 0}});
  ASSERT_TRUE(socket) << socket.error();
  EXPECT_NE(socket->port(), 0);
}

TEST(listening_socket, names_an_address_that_is_taken) {
  const auto first = listening_socket::open({{"127.0.0.1", 0}});
  ASSERT_TRUE(first) << first.error();
  const auto second = listening_socket::open({{"127.0.0.1", first->port()}});
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().contains(std::to_string(first->port()))) << second.error();
  EXPECT_TRUE(second.error().contains("in use")) << second.error();
}

TEST(listening_socket, is_closed_when_nobody_takes_it) {
  std::uint16_t port = 0;
  {
    const auto socket = listening_socket::open({{"127.0.0.1", 0}});
    ASSERT_TRUE(socket);
    port = socket->port();
  }
  const auto again = listening_socket::open({{"127.0.0.1", port}});
  EXPECT_TRUE(again) << again.error();
}

TEST(listening_socket, gives_its_descriptor_away) {
  int descriptor = -1;
  {
    auto socket = listening_socket::open({{"127.0.0.1", 0}});
    ASSERT_TRUE(socket);
    descriptor = socket->release();
  }
  EXPECT_EQ(::close(descriptor), 0) << "it must still be open";
}

/// Sets the soft limit of descriptors for the duration of a test.
class connection_limit_test : public testing::Test {
 protected:
  connection_limit_test() { ::getrlimit(RLIMIT_NOFILE, &before_); }
  ~connection_limit_test() override { ::setrlimit(RLIMIT_NOFILE, &before_); }
  void set_files(rlim_t count) {
    auto limit = before_;
    limit.rlim_cur = count;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }

 private:
  rlimit before_{};
};

TEST_F(connection_limit_test, is_half_of_the_descriptors_by_default) {
  set_files(1'000);
  EXPECT_EQ(connection_limit(0), 500U);
}

TEST_F(connection_limit_test, is_what_was_configured_where_that_is_possible) {
  set_files(1'000);
  EXPECT_EQ(connection_limit(700), 700U);
  EXPECT_EQ(connection_limit(1), 1U);
}

TEST_F(connection_limit_test, keeps_descriptors_back_for_the_admin_server) {
  set_files(1'000);
  EXPECT_EQ(connection_limit(1'000'000), 936U);
  set_files(100);
  EXPECT_EQ(connection_limit(1'000'000), 50U);
}

}  // namespace
}  // namespace weft
