// Who is refused, and what both ends say about it.
#include "actors/tls/verification.hpp"

#include <gmock/gmock.h>
#include <openssl/pem.h>

#include "tests/actors/tls/support.hpp"

namespace weft::tls {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const std::string host = "b.example";

/// What both ends say when they have tried; a client learns some of it with its first read only.
struct said {
  std::string client;
  std::string server;
  failure client_cause{};
  failure server_cause{};
};

said try_with(const shared_context& client, const shared_context& server, dialled to = {.server_name = host},
              std::vector<std::string> demanded_of_client = {}) {
  const wire over;
  auto at_client = session::connect(client, over.client(), std::move(to));
  auto at_server = session::accept(server, over.server(), std::move(demanded_of_client));
  shake(at_client, at_server, over);
  if (at_client.error().empty()) linked::drain(at_client);
  if (at_server.error().empty()) linked::drain(at_server);
  EXPECT_EQ(leftover_error(), 0U);
  return {at_client.error(), at_server.error(), at_client.cause(), at_server.cause()};
}

/// A server whose certificate was made so.
shared_context server_with(const certificate_request& request, const dev_authority& by = authority()) {
  const auto own = by.issue(request).value();
  // Past the checks of files, which would refuse what is to be tried.
  material made;
  const bio_ptr certificate(
      BIO_new_mem_buf(own.certificate.data(), static_cast<int>(own.certificate.size())));
  const bio_ptr key(BIO_new_mem_buf(own.key.data(), static_cast<int>(own.key.size())));
  made.certificate.reset(PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr));
  made.key.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr));
  return context::make_server(made).value();
}

TEST(verification, a_matching_name_is_let_in) {
  const auto server = server_of(issued({"b.example", "127.0.0.1", "::1", "*.svc.example"}));
  const auto client = client_of();
  for (const auto* name :
       {"b.example", "B.EXAMPLE", "b.example.", "127.0.0.1", "::1", "0:0:0:0:0:0:0:1", "one.svc.example"}) {
    const auto got = try_with(client, server, {.server_name = name});
    EXPECT_EQ(got.client + got.server, "") << name;
  }
}

TEST(verification, another_name_is_refused_with_what_there_is) {
  const auto got = try_with(client_of(), server_of(issued({"a.example", "127.0.0.1"})));
  EXPECT_EQ(got.client, "no SAN matches b.example; the certificate has a.example, 127.0.0.1");
  EXPECT_EQ(got.client_cause, failure::certificate);
  EXPECT_THAT(got.server,
              AllOf(HasSubstr("the peer refused our certificate"), HasSubstr("a.example, 127.0.0.1")));
  EXPECT_EQ(got.server_cause, failure::refused);
}

TEST(verification, an_address_is_no_host_name_and_a_wildcard_is_one_label) {
  const auto server = server_of(issued({"*.example"}));
  EXPECT_THAT(try_with(client_of(), server, {.server_name = "127.0.0.1"}).client,
              HasSubstr("matches 127.0.0.1"));
  EXPECT_THAT(try_with(client_of(), server, {.server_name = "x.y.example"}).client,
              HasSubstr("no SAN matches"));
}

TEST(verification, a_common_name_does_not_count) {
  auto request = request_for({"b.example"});
  request.names.clear();
  EXPECT_THAT(try_with(client_of(), server_with(request)).client,
              AllOf(StartsWith("no SAN matches b.example"), HasSubstr("a common name does not count")));
}

TEST(verification, no_name_is_no_permission) {
  EXPECT_THAT(try_with(client_of(), server_of(issued({"b.example"})), {.server_name = ""}).client,
              HasSubstr("no certificate can be checked against the name"));
}

TEST(verification, an_expired_certificate_is_refused_with_the_date) {
  auto request = request_for({host});
  request.from = std::chrono::sys_days(std::chrono::year(2025) / 12 / 30);
  request.until = std::chrono::sys_days(std::chrono::year(2026) / 1 / 2);
  const auto got = try_with(client_of(), server_with(request));
  EXPECT_EQ(got.client, "the certificate of b.example expired on 2026-01-02");
  EXPECT_THAT(got.server,
              HasSubstr("refused our certificate as expired or not valid yet; it expires on 2026-01-02"));
}

TEST(verification, a_certificate_of_tomorrow_is_refused_with_the_date) {
  auto request = request_for({host});
  request.from = now_plus(2);
  EXPECT_EQ(try_with(client_of(), server_with(request)).client,
            "the certificate of b.example is not valid before " + date_text(now_plus(2)) +
                "; check the clocks of both machines");
}

TEST(verification, an_unknown_authority_is_named) {
  const auto other = dev_authority::make(now_plus(-1), now_plus(1)).value();
  // Of the same name, so that only the key tells them apart.
  const auto got = try_with(client_of(), server_of(issued({host}, other)));
  EXPECT_THAT(got.client,
              AllOf(HasSubstr("the certificate of b.example"), HasSubstr("unknown authority (issuer"),
                    HasSubstr("weft dev CA"), HasSubstr("--ca names the bundle")));
  EXPECT_THAT(got.server, HasSubstr("does not know the authority that signed it"));
}

TEST(verification, without_a_bundle_the_system_decides) {
  EXPECT_THAT(try_with(client_of(""), server_of(issued({host}))).client, HasSubstr("unknown authority"));
}

TEST(verification, a_certificate_for_clients_is_no_server) {
  auto request = request_for({host});
  request.usage = "clientAuth";
  const auto got = try_with(client_of(), server_with(request));
  EXPECT_THAT(got.client,
              HasSubstr("is not meant for a server; its extended key usage must have serverAuth"));
  EXPECT_THAT(got.server, HasSubstr("must have serverAuth"));
}

TEST(verification, a_chain_leads_to_the_authority) {
  auto middle = request_for({});
  middle.name = "middle";
  middle.authority = true;
  const auto signer_pem = authority().issue(middle).value();
  const auto signer = dev_authority::from_pem(signer_pem).value();
  auto own = issued({host}, signer);
  EXPECT_THAT(try_with(client_of(), server_of(own)).client, HasSubstr("unknown authority"));
  own.certificate += signer_pem.certificate;
  EXPECT_EQ(try_with(client_of(), server_of(own)).client, "");
}

TEST(verification, a_demanded_name_must_be_there) {
  const auto server = server_of(issued({host, "spiffe://mesh/orders"}));
  const auto with = [&](std::vector<std::string> demanded, std::string name, bool check) {
    return try_with(
        client_of(), server,
        {.server_name = std::move(name), .demanded = std::move(demanded), .check_server_name = check});
  };
  EXPECT_EQ(with({"spiffe://mesh/users", "spiffe://mesh/orders"}, host, true).client, "");
  EXPECT_EQ(with({"spiffe://mesh/users"}, host, true).client,
            "no SAN is spiffe://mesh/users, which is demanded of the peer; the certificate has b.example, "
            "spiffe://mesh/orders");
  // An identity instead of a name.
  EXPECT_EQ(with({"spiffe://mesh/orders"}, "10.1.2.3", false).client, "");
  EXPECT_THAT(with({"spiffe://mesh/orders"}, "10.1.2.3", true).client, HasSubstr("no SAN matches 10.1.2.3"));
  EXPECT_THAT(with({}, "10.1.2.3", false).client, HasSubstr("no SAN matches 10.1.2.3"));
}

TEST(verification, a_resumed_session_is_as_good_as_its_certificate) {
  const auto own = issued({host});
  const auto read = parse_material(own.certificate, own.key, "").value();
  const auto now = std::chrono::system_clock::now();
  EXPECT_EQ(check_resumed(*read.certificate, {}, now), "");
  EXPECT_EQ(check_resumed(*read.certificate, {}, now + days(31)),
            "the certificate of b.example expired on " + date_text(now_plus(30)));
  verification demanding;
  demanding.demanded = {"a"};
  EXPECT_THAT(check_resumed(*read.certificate, demanding, now), HasSubstr("no SAN is a"));
}

struct client_certificates : testing::Test {
  static shared_context server_asking(client_auth how) {
    return server_of(issued({host}), bundle(), {.clients = how});
  }
};

TEST_F(client_certificates, are_required_by_option) {
  const auto got = try_with(client_of(), server_asking(client_auth::required));
  EXPECT_EQ(got.server, "the peer has no certificate, and tls.client_auth is required");
  EXPECT_EQ(got.client, "the peer requires a certificate, and none was presented; --cert and --key name one");
}

TEST_F(client_certificates, tell_who_the_peer_is) {
  const auto server = server_asking(client_auth::required);
  linked both(client_of(bundle(), issued({"spiffe://mesh/orders", "orders"})), server, {.server_name = host});
  ASSERT_TRUE(both.up()) << both.client.error() << both.server.error();
  EXPECT_EQ(both.server.peer_names(),
            (std::vector<san>{{name_kind::uri, "spiffe://mesh/orders"}, {name_kind::dns, "orders"}}));
  EXPECT_THAT(both.server.peer_subject(), HasSubstr("CN=spiffe://mesh/orders"));
  EXPECT_GT(*both.server.peer_expires(), std::chrono::system_clock::now());
  EXPECT_EQ(both.client.peer_names(), (std::vector<san>{{name_kind::dns, host}}));
}

TEST_F(client_certificates, may_be_missing_but_not_wrong_when_optional) {
  const auto server = server_asking(client_auth::optional);
  EXPECT_EQ(try_with(client_of(), server).server, "");
  const auto other = dev_authority::make(now_plus(-1), now_plus(1)).value();
  const auto got = try_with(client_of(bundle(), issued({"who"}, other)), server);
  // The authority has the name of one that is known, so the client presents the certificate.
  EXPECT_THAT(got.server, HasSubstr("unknown authority"));
  EXPECT_THAT(got.client, HasSubstr("does not know the authority"));
}

TEST_F(client_certificates, are_not_looked_at_unless_asked_for) {
  linked both(client_of(bundle(), issued({"orders"})), server_asking(client_auth::off),
              {.server_name = host});
  ASSERT_TRUE(both.up());
  EXPECT_TRUE(both.server.peer_names().empty());
}

TEST_F(client_certificates, must_have_a_demanded_name) {
  const auto got = try_with(client_of(bundle(), issued({"orders"})), server_asking(client_auth::required),
                            {.server_name = host}, {"node.mesh"});
  EXPECT_EQ(got.server, "no SAN is node.mesh, which is demanded of the peer; the certificate has orders");
  EXPECT_THAT(got.client, HasSubstr("ours has orders"));
}

TEST_F(client_certificates, need_somebody_who_signs_them) {
  const auto own = issued({host});
  const auto made = context::make_server(parse_material(own.certificate, own.key, "").value(),
                                         {.clients = client_auth::optional, .authorities_name = "--tls-ca"});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error(), AllOf(HasSubstr("tls.client_auth"), HasSubstr("--tls-ca names the bundle")));
  EXPECT_THAT(context::make_server(material()).error(), HasSubstr("needs a certificate"));
}

}  // namespace
}  // namespace weft::tls
