// Certificates made on the spot, and two ends of a socket that shake hands in one thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/tls/authority.hpp"
#include "actors/tls/context.hpp"
#include "actors/tls/material.hpp"
#include "actors/tls/session.hpp"

namespace weft::tls {

using days = std::chrono::days;

inline time_point now_plus(int n) {
  return std::chrono::system_clock::now() + days(n);
}

/// The test's own authority.
inline const dev_authority& authority() {
  static const dev_authority made = dev_authority::make(now_plus(-400), now_plus(400)).value();
  return made;
}

inline std::string bundle(const dev_authority& of = authority()) {
  return of.own_pem().value().certificate;
}

inline certificate_request request_for(std::vector<std::string> names) {
  return {.name = names.empty() ? "nameless" : names.front(),
          .names = std::move(names),
          .from = now_plus(-1),
          .until = now_plus(30)};
}

inline pem_pair issued(std::vector<std::string> names, const dev_authority& by = authority()) {
  return by.issue(request_for(std::move(names))).value();
}

using shared_context = std::shared_ptr<const context>;

inline shared_context server_of(const pem_pair& own, const std::string& authorities = bundle(),
                                context_options options = {}) {
  return context::make_server(parse_material(own.certificate, own.key, authorities).value(),
                              std::move(options))
      .value();
}

inline shared_context client_of(const std::string& authorities = bundle(), const pem_pair& own = {},
                                context_options options = {}) {
  return context::make_client(parse_material(own.certificate, own.key, authorities).value(),
                              std::move(options))
      .value();
}

/// Two connected non-blocking sockets.
class wire {
 public:
  wire() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_.data()), 0); }
  wire(const wire&) = delete;
  wire& operator=(const wire&) = delete;
  ~wire() {
    for (const int each : ends_) ::close(each);
  }
  int client() const { return ends_[0]; }
  int server() const { return ends_[1]; }

 private:
  std::array<int, 2> ends_{};
};

inline bool is_final(progress what) {
  return what == progress::done || what == progress::failed;
}

/// Both ends in turn until each is done or has failed. `between` moves bytes, if somebody must.
inline std::pair<progress, progress> shake(
    session& client, session& server, const wire& over, const std::function<void()>& between = [] {}) {
  progress at_client{};
  progress at_server{};
  for (int turn = 0; turn < 100'000; ++turn) {
    at_client = client.handshake();
    between();
    at_server = server.handshake();
    between();
    if (is_final(at_client) && is_final(at_server)) return {at_client, at_server};
    // Whoever has failed closes its socket.
    if (at_client == progress::failed) ::shutdown(over.client(), SHUT_WR);
    if (at_server == progress::failed) ::shutdown(over.server(), SHUT_WR);
  }
  ADD_FAILURE() << "the handshake does not end";
  return {at_client, at_server};
}

/// Both ends of a connection, at rest.
struct linked {
  wire over;
  session client;
  session server;
  progress at_client{};
  progress at_server{};

  linked(const shared_context& from, const shared_context& to, dialled what,
         std::vector<std::string> demanded_of_client = {})
      : client(session::connect(from, over.client(), std::move(what))),
        server(session::accept(to, over.server(), std::move(demanded_of_client))) {
    std::tie(at_client, at_server) = shake(client, server, over);
    // What the server says behind its handshake: tickets, or an alert.
    if (at_client == progress::done && at_server == progress::done)
      EXPECT_EQ(drain(client), progress::wants_read);
  }

  static progress drain(session& end) {
    char byte = 0;
    return end.read({&byte, 1}).what;
  }
  bool up() const { return at_client == progress::done && at_server == progress::done; }
};

inline std::string read_text(session& from) {
  std::string text;
  std::array<char, 1000> chunk{};
  for (;;) {
    const auto got = from.read(chunk);
    if (got.what != progress::done) return text;
    text.append(chunk.data(), got.bytes);
  }
}

/// What is left in the thread's queue of OpenSSL.
inline unsigned long leftover_error() {
  return ERR_peek_error();
}

/// A directory that is gone afterwards.
class scratch {
 public:
  scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weft-tls-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  ~scratch() { std::filesystem::remove_all(path_); }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;

  std::string path(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    const auto where = path(name);
    const auto next = where + ".next";
    {
      std::ofstream file(next, std::ios::binary);
      file << text;
    }
    EXPECT_EQ(::chmod(next.c_str(), mode), 0);
    std::filesystem::rename(next, where);
    return where;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace weft::tls
