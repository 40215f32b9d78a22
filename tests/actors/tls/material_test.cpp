#include "actors/tls/material.hpp"

#include <gmock/gmock.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include "tests/actors/tls/support.hpp"

namespace weft::tls {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct material_test : testing::Test {
  scratch files;
  pem_pair own = issued({"b.example"});

  std::string complaint(const file_paths& paths) {
    const auto read = read_material(paths);
    EXPECT_EQ(leftover_error(), 0U);
    return read ? "" : read.error();
  }
  std::string complaint_about(const std::string& certificate, const std::string& key) {
    return complaint({files.write("own.pem", certificate), files.write("own.key", key), ""});
  }
};

TEST_F(material_test, reads_a_certificate_its_key_and_a_bundle) {
  const auto read = read_material({files.write("own.pem", own.certificate), files.write("own.key", own.key),
                                   files.write("ca.pem", bundle())});
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(short_name(*read->certificate), "b.example");
  EXPECT_TRUE(read->key);
  EXPECT_EQ(read->authorities.size(), 1U);
  EXPECT_TRUE(read->chain.empty());
}

TEST_F(material_test, reads_key_and_chain_from_one_file) {
  const auto read = read_material({files.write("all.pem", own.key + own.certificate + bundle()), "", ""});
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(short_name(*read->certificate), "b.example");
  EXPECT_EQ(read->chain.size(), 1U);
}

TEST_F(material_test, nothing_is_nothing) {
  const auto read = read_material({});
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->certificate);
}

TEST_F(material_test, names_a_file_that_is_not_there) {
  EXPECT_THAT(complaint({files.path("no.pem"), "", ""}),
              AllOf(HasSubstr("no.pem"), HasSubstr("No such file")));
  EXPECT_THAT(complaint({files.path(""), "", ""}), HasSubstr("Is a directory"));
}

TEST_F(material_test, does_not_wait_for_who_writes_into_a_fifo) {
  ASSERT_EQ(::mkfifo(files.path("own.pem").c_str(), 0600), 0);
  EXPECT_THAT(complaint({files.path("own.pem"), "", ""}), AllOf(HasSubstr("own.pem"), HasSubstr("a FIFO")));
}

TEST_F(material_test, names_an_empty_file) {
  EXPECT_THAT(complaint({files.write("own.pem", " \n"), files.write("own.key", own.key), ""}),
              AllOf(HasSubstr("own.pem"), HasSubstr("it is empty")));
}

TEST_F(material_test, refuses_a_key_that_others_may_read) {
  EXPECT_THAT(
      complaint({files.write("own.pem", own.certificate, 0644), files.write("own.key", own.key, 0640), ""}),
      AllOf(HasSubstr("mode 0640"), HasSubstr("chmod 600")));
  EXPECT_THAT(complaint({files.write("both.pem", own.certificate + own.key, 0644), "", ""}),
              HasSubstr("chmod 600"));
}

TEST_F(material_test, refuses_what_is_no_certificate) {
  EXPECT_THAT(complaint_about(own.key, own.key), HasSubstr("it holds no certificate"));
  EXPECT_THAT(complaint_about(own.certificate.substr(0, 200), own.key),
              HasSubstr("certificate 1 in it is broken"));
  std::string damaged = own.certificate;
  damaged[60] = '!';
  EXPECT_THAT(complaint_about(damaged, own.key), HasSubstr("is broken"));
  EXPECT_THAT(complaint({"", "", files.write("ca.pem", "nothing")}), HasSubstr("it holds no certificate"));
  EXPECT_THAT(complaint_about(std::string(5 << 20, 'x'), own.key), HasSubstr("PEM files are small"));
}

TEST_F(material_test, refuses_what_is_no_key) {
  EXPECT_THAT(complaint_about(own.certificate, own.certificate), HasSubstr("it holds no private key"));
  EXPECT_THAT(complaint({files.write("own.pem", own.certificate, 0644), "", ""}),
              HasSubstr("name the key's file"));
  std::string damaged = own.key;
  damaged[50] = '!';
  EXPECT_THAT(complaint_about(own.certificate, damaged), HasSubstr("private key is broken"));
  EXPECT_THAT(complaint({"", files.write("own.key", own.key), ""}), HasSubstr("name the certificate, too"));
}

TEST_F(material_test, refuses_an_encrypted_key) {
  const auto read = parse_material(own.certificate, own.key, "");
  ASSERT_TRUE(read);
  const bio_ptr out(BIO_new(BIO_s_mem()));
  ASSERT_EQ(PEM_write_bio_PKCS8PrivateKey(out.get(), read->key.get(), EVP_aes_128_cbc(), "word", 4, nullptr,
                                          nullptr),
            1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  EXPECT_THAT(complaint_about(own.certificate, std::string(data, static_cast<std::size_t>(size))),
              AllOf(HasSubstr("encrypted"), HasSubstr("openssl pkey")));
}

TEST_F(material_test, refuses_the_key_of_another_certificate) {
  EXPECT_THAT(complaint_about(own.certificate, issued({"c"}).key),
              AllOf(HasSubstr("own.key"), HasSubstr("does not match the certificate of b.example")));
}

TEST_F(material_test, tells_when_a_certificate_expired_or_begins) {
  auto request = request_for({"b.example"});
  request.from = std::chrono::sys_days(std::chrono::year(2025) / 1 / 2);
  request.until = std::chrono::sys_days(std::chrono::year(2026) / 1 / 2);
  const auto old = authority().issue(request).value();
  EXPECT_THAT(complaint_about(old.certificate, old.key),
              HasSubstr("the certificate of b.example expired on 2026-01-02"));
  request.from = std::chrono::sys_days(std::chrono::year(2099) / 3 / 4);
  request.until = std::chrono::sys_days(std::chrono::year(2100) / 1 / 2);
  const auto coming = authority().issue(request).value();
  EXPECT_THAT(complaint_about(coming.certificate, coming.key), HasSubstr("is not valid before 2099-03-04"));
}

TEST(names, shows_all_kinds_and_leaves_out_what_could_pass_for_another) {
  const auto own = issued({"a.example", "10.0.0.1", "::1", "spiffe://mesh/orders", "evil\nname"});
  const auto read = parse_material(own.certificate, own.key, "");
  ASSERT_TRUE(read);
  const auto names = names_of(*read->certificate);
  EXPECT_EQ(names, (std::vector<san>{{name_kind::dns, "a.example"},
                                     {name_kind::ip, "10.0.0.1"},
                                     {name_kind::ip, "::1"},
                                     {name_kind::uri, "spiffe://mesh/orders"}}));
  EXPECT_EQ(list_of(names), "a.example, 10.0.0.1, ::1, spiffe://mesh/orders");
  EXPECT_EQ(list_of({}), "none");
  const std::vector<san> many(20, names.front());
  EXPECT_THAT(list_of(many), HasSubstr("and 12 more"));
  EXPECT_THAT(subject_of(*read->certificate), HasSubstr("not for production"));
}

TEST(names, compares_as_certificates_do) {
  const std::vector<san> names{
      {name_kind::dns, "A.Example"}, {name_kind::ip, "::1"}, {name_kind::uri, "spiffe://M"}};
  const auto has = [&](std::string text) { return any_of(names, std::vector{std::move(text)}); };
  EXPECT_TRUE(has("a.example"));
  EXPECT_TRUE(has("0:0:0:0:0:0:0:1"));
  EXPECT_TRUE(has("spiffe://M"));
  EXPECT_FALSE(has("spiffe://m"));
  EXPECT_FALSE(has("b.example"));
  EXPECT_FALSE(any_of(names, {}));
}

}  // namespace
}  // namespace weft::tls
