#include "actors/tls/material.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

#include <fmt/format.h>
#include <openssl/pem.h>

#include "actors/files/open_file.hpp"
#include "actors/tls/library_errors.hpp"

namespace weft::tls {
namespace {

/// The bundle of a system's authorities has a quarter of that.
constexpr std::size_t max_file_bytes = std::size_t{4} << 20;

struct named_text {
  std::string path;
  std::string text;
};

std::unexpected<std::string> refuse(std::string_view path, std::string_view why) {
  return std::unexpected(fmt::format("file \"{}\" cannot be used: {}", path, why));
}

constexpr std::string_view key_mark = "PRIVATE KEY-----";

std::expected<named_text, std::string> read_text(const std::string& path) {
  const auto opened = open_file(path);
  if (!opened) return refuse(path, opened.error());
  auto* const file = opened->get();
  std::string text;
  char buffer[4096];
  std::size_t n = 0;
  do {
    n = std::fread(buffer, 1, sizeof buffer, file);
    text.append(buffer, n);
  } while (n == sizeof buffer && text.size() <= max_file_bytes);
  // A directory can be opened, but not read.
  if (std::ferror(file)) return refuse(path, std::strerror(errno));
  if (text.size() > max_file_bytes)
    return refuse(path, fmt::format("it has more than {} bytes; PEM files are small", max_file_bytes));
  if (text.find_first_not_of(" \t\r\n") == text.npos) return refuse(path, "it is empty");
  if (text.contains(key_mark)) {
    if (const auto wrong = check_owner_only(file, path, "private key"); !wrong.empty())
      return refuse(path, wrong);
  }
  return named_text{path, std::move(text)};
}

bio_ptr reader_of(const std::string& text) {
  return bio_ptr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// Every certificate of a text; other blocks between them are passed over.
std::expected<std::vector<x509_ptr>, std::string> certificates_in(const named_text& file) {
  const clean_errors clean;
  const auto reader = reader_of(file.text);
  std::vector<x509_ptr> found;
  while (x509_ptr next{PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr)})
    found.push_back(std::move(next));
  const auto error = ERR_peek_last_error();
  if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE) {
    return refuse(file.path,
                  fmt::format("certificate {} in it is broken ({}); a PEM block begins with -----BEGIN "
                              "CERTIFICATE----- and ends with -----END CERTIFICATE-----",
                              found.size() + 1, reason_text(error)));
  }
  if (found.empty())
    return refuse(file.path, "it holds no certificate; a PEM block begins with -----BEGIN CERTIFICATE-----");
  return found;
}

/// Nobody is there to type a passphrase. Says that one was asked for.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

std::expected<key_ptr, std::string> key_in(const named_text& file, bool beside_certificate) {
  const clean_errors clean;
  const auto reader = reader_of(file.text);
  bool encrypted = false;
  key_ptr key(PEM_read_bio_PrivateKey(reader.get(), nullptr, no_passphrase, &encrypted));
  if (key) return key;
  if (encrypted) {
    return refuse(file.path,
                  fmt::format("its key is encrypted, and nobody is there to type the passphrase; make a "
                              "plain one that only its owner can read: openssl pkey -in {} -out FILE",
                              file.path));
  }
  if (file.text.contains(key_mark))
    return refuse(file.path,
                  fmt::format("its private key is broken ({})", reason_text(ERR_peek_last_error())));
  return refuse(file.path,
                beside_certificate
                    ? "it holds no private key beside the certificate; name the key's file, too"
                    : "it holds no private key; a PEM block begins with -----BEGIN PRIVATE KEY-----");
}

std::string check_dates(const X509& certificate, time_point now) {
  const auto until = valid_until(certificate);
  if (until < now) {
    return fmt::format("the certificate of {} expired on {}; renew it", short_name(certificate),
                       date_text(until));
  }
  const auto from = valid_from(certificate);
  if (from > now) {
    return fmt::format("the certificate of {} is not valid before {}; wait, or check this machine's clock",
                       short_name(certificate), date_text(from));
  }
  return {};
}

std::expected<material, std::string> parse(const named_text& certificate, const named_text& key,
                                           const named_text& authorities, time_point now) {
  material made;
  if (!authorities.text.empty()) {
    auto found = certificates_in(authorities);
    if (!found) return std::unexpected(std::move(found.error()));
    made.authorities = std::move(*found);
  }
  if (certificate.text.empty()) {
    if (!key.text.empty())
      return refuse(key.path, "it is the key of no certificate; name the certificate, too");
    return made;
  }
  auto chain = certificates_in(certificate);
  if (!chain) return std::unexpected(std::move(chain.error()));
  made.certificate = std::move(chain->front());
  chain->erase(chain->begin());
  made.chain = std::move(*chain);
  if (const auto wrong = check_dates(*made.certificate, now); !wrong.empty())
    return refuse(certificate.path, wrong);
  auto secret = key_in(key.text.empty() ? certificate : key, key.text.empty());
  if (!secret) return std::unexpected(std::move(secret.error()));
  made.key = std::move(*secret);
  const clean_errors clean;
  if (X509_check_private_key(made.certificate.get(), made.key.get()) != 1) {
    return refuse(
        key.text.empty() ? certificate.path : key.path,
        fmt::format("the key does not match the certificate of {} in \"{}\", which must be the first in "
                    "its file; name the key that belongs to it",
                    short_name(*made.certificate), certificate.path));
  }
  return made;
}

}  // namespace

std::expected<material, std::string> read_material(const file_paths& paths, time_point now) {
  named_text certificate;
  named_text key;
  named_text authorities;
  const auto read = [](const std::string& path, named_text& into) -> std::string {
    if (path.empty()) return {};
    auto text = read_text(path);
    if (!text) return std::move(text.error());
    into = *std::move(text);
    return {};
  };
  if (auto wrong = read(paths.authorities, authorities); !wrong.empty()) return std::unexpected(wrong);
  if (auto wrong = read(paths.certificate, certificate); !wrong.empty()) return std::unexpected(wrong);
  if (auto wrong = read(paths.key, key); !wrong.empty()) return std::unexpected(wrong);
  return parse(certificate, key, authorities, now);
}

std::expected<material, std::string> parse_material(const std::string& certificate, const std::string& key,
                                                    const std::string& authorities) {
  return parse({"certificate", certificate}, {"key", key}, {"authorities", authorities},
               std::chrono::system_clock::now());
}

}  // namespace weft::tls
