#include "actors/tls/authority.hpp"

#include <array>
#include <memory>
#include <string_view>

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include "actors/tls/library_errors.hpp"
#include "actors/tls/material.hpp"

namespace weft::tls {
namespace {

using name_ptr = std::unique_ptr<GENERAL_NAME, released_by<GENERAL_NAME_free>>;

std::string failed(std::string_view what) {
  return fmt::format("OpenSSL cannot make {}: {}", what, reason_text(ERR_peek_last_error()));
}

bool set_serial(X509& certificate) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) return false;
  // Positive, and of its full length.
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x3FU) | 0x40U);
  using number_ptr = std::unique_ptr<BIGNUM, released_by<BN_free>>;
  const number_ptr number(BN_bin2bn(bytes.data(), bytes.size(), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&certificate)) != nullptr;
}

bool add_to_subject(X509_NAME* subject, const char* field, std::string_view text) {
  return X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

bool set_dates(X509& certificate, const certificate_request& request) {
  using std::chrono::system_clock;
  return ASN1_TIME_set(X509_getm_notBefore(&certificate), system_clock::to_time_t(request.from)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(&certificate), system_clock::to_time_t(request.until)) != nullptr;
}

bool add_extension(X509& certificate, const X509& issuer, int which, const std::string& value) {
  X509V3_CTX about{};
  X509V3_set_ctx(&about, const_cast<X509*>(&issuer), &certificate, nullptr, nullptr, 0);
  using extension_ptr = std::unique_ptr<X509_EXTENSION, released_by<X509_EXTENSION_free>>;
  const extension_ptr extension(X509V3_EXT_conf_nid(nullptr, &about, which, value.c_str()));
  return extension && X509_add_ext(&certificate, extension.get(), -1) == 1;
}

name_ptr general_name(std::string_view text) {
  const san wanted = name_from(text);
  if (wanted.kind == name_kind::ip) {
    name_ptr name(GENERAL_NAME_new());
    ASN1_OCTET_STRING* address = name ? a2i_IPADDRESS(wanted.text.c_str()) : nullptr;
    if (address == nullptr) return nullptr;
    GENERAL_NAME_set0_value(name.get(), GEN_IPADD, address);
    return name;
  }
  using text_ptr = std::unique_ptr<ASN1_IA5STRING, released_by<ASN1_IA5STRING_free>>;
  text_ptr value(ASN1_IA5STRING_new());
  name_ptr name(GENERAL_NAME_new());
  if (!value || !name || ASN1_STRING_set(value.get(), text.data(), static_cast<int>(text.size())) != 1)
    return nullptr;
  GENERAL_NAME_set0_value(name.get(), wanted.kind == name_kind::uri ? GEN_URI : GEN_DNS, value.release());
  return name;
}

/// Not as text of OpenSSL's configuration, in which a comma would begin another name.
bool add_names(X509& certificate, const std::vector<std::string>& names) {
  if (names.empty()) return true;
  const general_names_ptr all(sk_GENERAL_NAME_new_null());
  for (const auto& each : names) {
    name_ptr name = general_name(each);
    if (!all || !name) return false;
    GENERAL_NAME* const owned = name.release();
    if (sk_GENERAL_NAME_push(all.get(), owned) == 0) {
      GENERAL_NAME_free(owned);
      return false;
    }
  }
  return X509_add1_ext_i2d(&certificate, NID_subject_alt_name, all.get(), 0, X509V3_ADD_DEFAULT) == 1;
}

bool add_uses(X509& certificate, const X509& issuer, const certificate_request& request) {
  if (request.authority) {
    return add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
  }
  return add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
         (request.usage.empty() || add_extension(certificate, issuer, NID_ext_key_usage, request.usage));
}

/// A certificate for `key`, signed by `issuer_key`; by itself when there is no issuer.
x509_ptr make_certificate(const certificate_request& request, EVP_PKEY& key, const X509* issuer,
                          EVP_PKEY& issuer_key) {
  x509_ptr made(X509_new());
  if (!made || X509_set_version(made.get(), X509_VERSION_3) != 1 || !set_serial(*made) ||
      !set_dates(*made, request) || X509_set_pubkey(made.get(), &key) != 1)
    return nullptr;
  X509_NAME* const subject = X509_get_subject_name(made.get());
  if (!add_to_subject(subject, "O", dev_authority_name) ||
      (!request.name.empty() && !add_to_subject(subject, "CN", request.name)))
    return nullptr;
  const X509& signer = issuer != nullptr ? *issuer : *made;
  if (X509_set_issuer_name(made.get(), X509_get_subject_name(&signer)) != 1 ||
      !add_uses(*made, signer, request) ||
      !add_extension(*made, signer, NID_subject_key_identifier, "hash") ||
      !add_extension(*made, signer, NID_authority_key_identifier, "keyid") ||
      !add_names(*made, request.names) || X509_sign(made.get(), &issuer_key, EVP_sha256()) == 0)
    return nullptr;
  return made;
}

key_ptr make_key() {
  return key_ptr(EVP_EC_gen("P-256"));
}

std::expected<pem_pair, std::string> to_pem(X509& certificate, EVP_PKEY& key) {
  const bio_ptr first(BIO_new(BIO_s_mem()));
  const bio_ptr second(BIO_new(BIO_s_mem()));
  if (!first || !second || PEM_write_bio_X509(first.get(), &certificate) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(second.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return std::unexpected(failed("a PEM text"));
  const auto text_of = [](BIO* from) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(from, &data);
    return std::string(data, static_cast<std::size_t>(size));
  };
  return pem_pair{text_of(first.get()), text_of(second.get())};
}

}  // namespace

std::expected<dev_authority, std::string> dev_authority::make(time_point from, time_point until) {
  const clean_errors clean;
  key_ptr key = make_key();
  if (!key) return std::unexpected(failed("a key"));
  x509_ptr made = make_certificate({.from = from, .until = until, .authority = true}, *key, nullptr, *key);
  if (!made) return std::unexpected(failed("the certificate of an authority"));
  return dev_authority(std::move(made), std::move(key));
}

std::expected<dev_authority, std::string> dev_authority::from_pem(const pem_pair& own) {
  auto parsed = parse_material(own.certificate, own.key, {});
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  return dev_authority(std::move(parsed->certificate), std::move(parsed->key));
}

std::expected<pem_pair, std::string> dev_authority::issue(const certificate_request& request) const {
  const clean_errors clean;
  const key_ptr key = make_key();
  if (!key) return std::unexpected(failed("a key"));
  const x509_ptr made = make_certificate(request, *key, certificate_.get(), *key_);
  if (!made) return std::unexpected(failed(fmt::format("a certificate for \"{}\"", shown(request.name))));
  return to_pem(*made, *key);
}

std::expected<pem_pair, std::string> dev_authority::own_pem() const {
  const clean_errors clean;
  return to_pem(*certificate_, *key_);
}

time_point dev_authority::expires() const {
  return valid_until(*certificate_);
}

bool dev_authority::is_dev() const {
  return subject_of(*certificate_).contains(dev_authority_name);
}

}  // namespace weft::tls
