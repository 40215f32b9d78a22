#include "actors/tls/identity_files.hpp"

#include <array>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace weft::tls {
namespace {

std::string digest_of(std::span<const X509* const> certificates) {
  std::string digests;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  for (const X509* each : certificates) {
    unsigned size = 0;
    if (X509_digest(each, EVP_sha256(), digest.data(), &size) == 1)
      digests.append(reinterpret_cast<const char*>(digest.data()), size);
  }
  return digests;
}

std::vector<const X509*> pointers(const std::vector<x509_ptr>& certificates) {
  std::vector<const X509*> out;
  out.reserve(certificates.size() + 1);
  for (const auto& each : certificates) out.push_back(each.get());
  return out;
}

}  // namespace

std::expected<std::unique_ptr<identity_files>, std::string> identity_files::load(identity_options options) {
  std::unique_ptr<identity_files> made(new identity_files(std::move(options)));
  made->seen_ = made->stamps();
  auto first = made->read();
  if (!first) return std::unexpected(std::move(first.error()));
  made->current_ = std::move(*first);
  return made;
}

std::shared_ptr<const context> identity_files::server() const {
  const std::lock_guard lock(mutex_);
  return current_.server;
}

std::shared_ptr<const context> identity_files::client() const {
  const std::lock_guard lock(mutex_);
  return current_.client;
}

time_point identity_files::expires() const {
  return client()->expires();
}

std::vector<file_stamp> identity_files::stamps() const {
  const auto& paths = options_.paths;
  return {stamp_of(paths.certificate), stamp_of(paths.key), stamp_of(paths.authorities)};
}

bool identity_files::changed() const {
  return stamps() != seen_;
}

std::expected<identity_files::loaded, std::string> identity_files::read() const {
  const auto files = read_material(options_.paths);
  if (!files) return std::unexpected(files.error());
  loaded made;
  if (files->certificate) {
    auto server = context::make_server(*files, options_.shared);
    if (!server) return std::unexpected(std::move(server.error()));
    made.server = std::move(*server);
    auto all = pointers(files->chain);
    all.insert(all.begin(), files->certificate.get());
    made.certificate = digest_of(all);
    made.shown_name = short_name(*files->certificate);
  }
  auto client = context::make_client(*files, options_.shared);
  if (!client) return std::unexpected(std::move(client.error()));
  made.client = std::move(*client);
  made.authorities = digest_of(pointers(files->authorities));
  return made;
}

std::string identity_files::difference(const loaded& before, const loaded& after) {
  std::string what;
  if (after.certificate != before.certificate) {
    what = fmt::format("a new certificate of {}, valid until {} (the one before: {})", after.shown_name,
                       date_text(after.client->expires()), date_text(before.client->expires()));
  }
  if (after.authorities != before.authorities)
    what += fmt::format("{}another CA bundle", what.empty() ? "" : ", and ");
  return what;
}

std::expected<std::string, std::string> identity_files::reload() {
  // Before the files are read, so that a change meanwhile is seen the next time.
  seen_ = stamps();
  auto next = read();
  if (!next) {
    return std::unexpected(
        fmt::format("{}; the certificate and the CA bundle from before stay in use", next.error()));
  }
  // Only this thread writes.
  auto what = difference(current_, *next);
  if (what.empty()) return what;
  const std::lock_guard lock(mutex_);
  std::swap(current_, *next);
  return what;
}

}  // namespace weft::tls
