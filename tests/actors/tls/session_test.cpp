#include "actors/tls/session.hpp"

#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include "tests/actors/tls/support.hpp"

namespace weft::tls {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string host = "b.example";
const dialled to_host{.server_name = host, .destination = "b.example:7443"};

struct session_test : testing::Test {
  pem_pair own = issued({host});
  shared_context server = server_of(own);
  shared_context client = client_of();

  ~session_test() override { EXPECT_EQ(leftover_error(), 0U); }
};

TEST_F(session_test, carries_bytes_both_ways) {
  linked both(client, server, to_host);
  ASSERT_TRUE(both.up()) << both.client.error() << both.server.error();
  EXPECT_EQ(both.client.version(), "TLSv1.3");
  EXPECT_EQ(both.client.protocol(), "weft/1");
  EXPECT_EQ(both.server.protocol(), "weft/1");
  EXPECT_THAT(std::string(both.server.cipher()), HasSubstr("TLS_"));
  const std::string question = "hello";
  EXPECT_EQ(both.client.write(question).bytes, question.size());
  EXPECT_EQ(read_text(both.server), question);
  EXPECT_EQ(both.server.write(std::string(100'000, 'x')).what, progress::done);
  EXPECT_EQ(read_text(both.client), std::string(100'000, 'x'));
  EXPECT_EQ(both.client.write({}).what, progress::done);
}

TEST_F(session_test, pending_says_what_the_socket_does_not) {
  linked both(client, server, to_host);
  ASSERT_EQ(both.client.write(std::string("abcdef")).bytes, 6U);
  EXPECT_FALSE(both.server.pending());
  std::array<char, 2> some{};
  ASSERT_EQ(both.server.read(some).bytes, 2U);
  EXPECT_TRUE(both.server.pending());
  EXPECT_EQ(read_text(both.server), "cdef");
  EXPECT_FALSE(both.server.pending());
}

TEST_F(session_test, a_full_socket_is_waited_for_and_the_rest_may_move) {
  linked both(client, server, to_host);
  std::string text;
  for (int i = 0; i < 2'000'000; ++i) text += static_cast<char>('a' + i % 23);
  std::string seen;
  std::string left = text;
  int waits = 0;
  while (!left.empty()) {
    const auto moved = both.client.write(left);
    ASSERT_NE(moved.what, progress::failed) << both.client.error();
    left = left.substr(moved.bytes);  // elsewhere in memory
    if (moved.what == progress::wants_write) {
      ++waits;
      seen += read_text(both.server);
    }
  }
  seen += read_text(both.server);
  EXPECT_GT(waits, 0);
  EXPECT_EQ(seen, text);
}

TEST_F(session_test, a_close_notify_is_no_truncation) {
  linked both(client, server, to_host);
  EXPECT_EQ(both.client.shutdown(), progress::done);
  EXPECT_EQ(linked::drain(both.server), progress::closed);
  EXPECT_EQ(linked::drain(both.server), progress::closed);
  EXPECT_EQ(both.server.error(), "");
  // The other direction stays open.
  EXPECT_EQ(both.server.write(std::string("bye")).what, progress::done);
  EXPECT_EQ(read_text(both.client), "bye");
  EXPECT_EQ(both.server.shutdown(), progress::done);
  EXPECT_EQ(both.server.shutdown(), progress::done);
}

TEST_F(session_test, a_write_that_was_cut_is_a_truncation) {
  linked both(client, server, to_host);
  const std::string text(2'000'000, 'x');
  EXPECT_EQ(both.client.write(text).what, progress::wants_write);
  EXPECT_EQ(both.client.shutdown(), progress::done);
  ::shutdown(both.over.client(), SHUT_WR);
  (void)read_text(both.server);
  EXPECT_EQ(linked::drain(both.server), progress::truncated);
}

TEST_F(session_test, an_end_without_a_word_is_a_truncation) {
  linked both(client, server, to_host);
  ASSERT_EQ(both.client.write(std::string("half")).what, progress::done);
  ::shutdown(both.over.client(), SHUT_RDWR);
  EXPECT_EQ(read_text(both.server), "half");
  EXPECT_EQ(linked::drain(both.server), progress::truncated);
  EXPECT_EQ(linked::drain(both.server), progress::truncated);
  EXPECT_THAT(both.server.error(), HasSubstr("without the peer's word"));
  EXPECT_EQ(both.server.write(std::string("x")).what, progress::failed);
  EXPECT_EQ(both.server.shutdown(), progress::done);
}

TEST_F(session_test, an_end_in_the_handshake_is_a_failure) {
  const wire over;
  auto waiting = session::accept(server, over.server());
  EXPECT_EQ(waiting.handshake(), progress::wants_read);
  ::shutdown(over.client(), SHUT_WR);
  EXPECT_EQ(waiting.handshake(), progress::failed);
  EXPECT_THAT(waiting.error(), HasSubstr("closed the connection during the handshake"));
  EXPECT_EQ(waiting.cause(), failure::connection);
  EXPECT_EQ(waiting.handshake(), progress::failed);
  EXPECT_EQ(linked::drain(waiting), progress::failed);
}

/// Carries bytes between two wires, one of each direction in a turn.
struct slicer {
  wire near;
  wire far;
  int moved = 0;

  static bool move_one(int from, int to) {
    char byte = 0;
    return ::recv(from, &byte, 1, 0) == 1 && ::send(to, &byte, 1, MSG_NOSIGNAL) == 1;
  }
  void turn() {
    if (move_one(near.server(), far.client())) ++moved;
    if (move_one(far.client(), near.server())) ++moved;
  }
};

TEST_F(session_test, bytes_may_come_one_by_one) {
  slicer between;
  auto near = session::connect(client, between.near.client(), to_host);
  auto far = session::accept(server, between.far.server());
  const auto [at_client, at_server] = shake(near, far, between.near, [&] { between.turn(); });
  ASSERT_EQ(at_client, progress::done) << near.error();
  ASSERT_EQ(at_server, progress::done) << far.error();
  EXPECT_GT(between.moved, 1000);
  const std::string text = "one record";
  ASSERT_EQ(near.write(text).bytes, text.size());
  std::string seen;
  for (int i = 0; i < 10'000 && seen.size() < text.size(); ++i) {
    between.turn();
    seen += read_text(far);
  }
  EXPECT_EQ(seen, text);
}

TEST_F(session_test, damaged_bytes_end_it) {
  linked both(client, server, to_host);
  const std::string junk("\x17\x03\x03\x00\x20 this was not encrypted by anybody!", 39);
  ASSERT_GT(::send(both.over.client(), junk.data(), junk.size(), 0), 0);
  EXPECT_EQ(linked::drain(both.server), progress::failed);
  EXPECT_EQ(both.server.cause(), failure::protocol);
  EXPECT_THAT(both.server.error(), HasSubstr("the TLS connection failed"));
}

TEST_F(session_test, the_next_connection_to_a_destination_resumes) {
  const linked first(client, server, to_host);
  EXPECT_FALSE(first.client.resumed());
  const linked second(client, server, to_host);
  EXPECT_TRUE(second.client.resumed());
  EXPECT_TRUE(second.server.resumed());
  EXPECT_EQ(second.client.peer_names().size(), 1U);
  const linked elsewhere(client, server, {.server_name = host, .destination = "b.example:7444"});
  EXPECT_FALSE(elsewhere.client.resumed());
  // Another certificate is another server: nothing is resumed, and nobody is hurt.
  const linked renewed(client, server_of(own), to_host);
  EXPECT_TRUE(renewed.up());
  EXPECT_FALSE(renewed.client.resumed());
}

TEST_F(session_test, a_session_is_not_resumed_where_more_is_demanded) {
  const linked first(client, server, to_host);
  const linked second(client, server,
                      {.server_name = host, .destination = to_host.destination, .demanded = {"other"}});
  EXPECT_EQ(second.at_client, progress::failed);
}

TEST_F(session_test, a_resumed_session_knows_its_client) {
  const auto mutual = server_of(own, bundle(), {.clients = client_auth::required});
  const auto named = client_of(bundle(), issued({"orders"}));
  const linked first(named, mutual, to_host);
  const linked second(named, mutual, to_host);
  EXPECT_TRUE(second.server.resumed());
  EXPECT_EQ(second.server.peer_names(), (std::vector<san>{{name_kind::dns, "orders"}}));
  // What is demanded now counts, not what was then.
  const linked third(named, mutual, to_host, {"node"});
  EXPECT_EQ(third.at_server, progress::failed);
  EXPECT_THAT(third.server.error(), HasSubstr("no SAN is node"));
}

TEST_F(session_test, speaks_1_2_by_option_only) {
  const auto old_server = server_of(own, bundle(), {.tls_1_2 = true});
  const auto old_client = client_of(bundle(), {}, {.tls_1_2 = true});
  SSL_CTX_set_max_proto_version(old_client->native(), TLS1_2_VERSION);
  linked both(old_client, old_server, to_host);
  ASSERT_TRUE(both.up()) << both.client.error() << both.server.error();
  EXPECT_EQ(both.server.version(), "TLSv1.2");
  EXPECT_THAT(std::string(both.server.cipher()), AllOf(HasSubstr("ECDHE"), HasSubstr("GCM")));
  const linked again(old_client, old_server, to_host);
  EXPECT_TRUE(again.client.resumed());

  const linked refused(old_client, server, to_host);
  EXPECT_THAT(refused.server.error(),
              AllOf(HasSubstr("no version of TLS in common"), HasSubstr("1.2 is not allowed here")));
  EXPECT_THAT(refused.client.error(), HasSubstr("TLS 1.2 or 1.3 is needed"));
}

TEST_F(session_test, refuses_ciphers_of_1_2_without_secrecy_and_renegotiation) {
  const auto old_server = server_of(own, bundle(), {.tls_1_2 = true});
  const auto old_client = client_of(bundle(), {}, {.tls_1_2 = true});
  SSL_CTX_set_max_proto_version(old_client->native(), TLS1_2_VERSION);
  ASSERT_EQ(SSL_CTX_set_cipher_list(old_client->native(), "ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0"), 1);
  const linked refused(old_client, old_server, to_host);
  EXPECT_THAT(refused.server.error(), HasSubstr("no cipher in common"));
  EXPECT_THAT(refused.client.error(), HasSubstr("no cipher in common"));
  EXPECT_NE(SSL_CTX_get_options(old_server->native()) & SSL_OP_NO_RENEGOTIATION, 0U);
  EXPECT_NE(SSL_CTX_get_options(old_server->native()) & SSL_OP_NO_COMPRESSION, 0U);
  EXPECT_EQ(SSL_CTX_get_max_early_data(server->native()), 0U);
}

TEST_F(session_test, lets_in_who_offers_its_protocol_or_none) {
  const auto web = client_of(bundle(), {}, {.protocols = {"h2", "http/1.1"}});
  const linked refused(web, server, to_host);
  EXPECT_THAT(refused.server.error(), AllOf(HasSubstr("the peer offers h2, http/1.1"), HasSubstr("weft/1")));
  EXPECT_THAT(refused.client.error(), HasSubstr("speaks TLS, but not h2 or http/1.1"));
  EXPECT_EQ(refused.server.cause(), failure::protocol);
  const linked several(client_of(bundle(), {}, {.protocols = {"h2", "weft/1"}}), server, to_host);
  EXPECT_EQ(several.client.protocol(), "weft/1");
  const linked none(client_of(bundle(), {}, {.protocols = {}}), server, to_host);
  EXPECT_TRUE(none.up()) << none.client.error() << none.server.error();
  EXPECT_EQ(none.server.protocol(), "");
}

TEST_F(session_test, tells_who_does_not_speak_tls) {
  const auto frame = std::string("\0\0\0\x11", 4) + R"({"jsonrpc":"2.0"})";
  const auto heard_by = [&](session& end, int other, const std::string& bytes) {
    (void)end.handshake();
    EXPECT_GT(::send(other, bytes.data(), bytes.size(), 0), 0);
    EXPECT_EQ(end.handshake(), progress::failed);
    EXPECT_EQ(end.cause(), failure::foreign);
    return end.error();
  };
  const auto server_hears = [&](const std::string& bytes) {
    const wire over;
    auto end = session::accept(server, over.server());
    return heard_by(end, over.client(), bytes);
  };
  const auto client_hears = [&](const std::string& bytes) {
    const wire over;
    auto end = session::connect(client, over.client(), to_host);
    return heard_by(end, over.server(), bytes);
  };
  EXPECT_EQ(server_hears(frame),
            "the peer does not speak TLS (it sent a plain frame); it must dial tls://, or another port");
  EXPECT_EQ(server_hears("GET / HTTP/1.1\r\n\r\n"),
            "the peer does not speak TLS (it sent \"GET / HTTP/1.1????\"); check the port");
  EXPECT_EQ(client_hears(frame),
            "the peer does not speak TLS (it answered with a plain frame); dial tcp://, or another port");
  EXPECT_EQ(client_hears("SSH-2.0-OpenSSH_9.2\r\n"),
            "the peer does not speak TLS (it answered \"SSH-2.0-OpenSSH_9.2??\"); check the port");
}

TEST_F(session_test, a_lost_socket_is_told_as_the_system_does) {
  linked both(client, server, to_host);
  ::shutdown(both.over.server(), SHUT_RDWR);
  const auto moved = both.client.write(std::string("x"));
  EXPECT_EQ(moved.what, progress::failed);
  EXPECT_THAT(both.client.error(), HasSubstr("Broken pipe"));
}

TEST_F(session_test, a_refused_client_hears_why_although_its_writing_failed) {
  const auto mutual = server_of(own, bundle(), {.clients = client_auth::required});
  const wire over;
  auto near = session::connect(client, over.client(), to_host);
  auto far = session::accept(mutual, over.server());
  // With TLS 1.3 the client is done before the server has seen that there is no certificate.
  ASSERT_EQ(shake(near, far, over), (std::pair{progress::done, progress::failed}));
  ::shutdown(over.server(), SHUT_RDWR);
  EXPECT_EQ(near.write(std::string("a request")).what, progress::failed);
  EXPECT_THAT(near.error(), HasSubstr("the peer requires a certificate"));
}

TEST_F(session_test, server_names_are_sent_unless_they_are_addresses) {
  std::string asked;
  SSL_CTX_set_tlsext_servername_callback(
      server->native(), +[](SSL* ssl, int*, void* into) {
        const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        *static_cast<std::string*>(into) = name != nullptr ? name : "none";
        return SSL_TLSEXT_ERR_OK;
      });
  SSL_CTX_set_tlsext_servername_arg(server->native(), &asked);
  const linked named(client, server, to_host);
  EXPECT_EQ(asked, host);
  const linked numbered(client, server, {.server_name = "127.0.0.1"});
  EXPECT_EQ(asked, "none");
}

TEST_F(session_test, can_be_moved) {
  linked both(client, server, to_host);
  session moved = std::move(both.client);
  EXPECT_EQ(moved.write(std::string("x")).what, progress::done);
  EXPECT_EQ(read_text(both.server), "x");
  EXPECT_EQ(both.server.write(std::string("y")).what, progress::done);
  EXPECT_EQ(read_text(moved), "y");
}

}  // namespace
}  // namespace weft::tls
