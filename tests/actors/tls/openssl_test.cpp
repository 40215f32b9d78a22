// Sessions against the programs of OpenSSL, which share no code of ours.
#include <csignal>
#include <cstring>
#include <vector>

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/actors/tls/support.hpp"

namespace weft::tls {
namespace {

using testing::HasSubstr;

constexpr int patience_ms = 20'000;

/// `openssl …` with its input and output piped; killed if it has not ended by itself.
class program {
 public:
  explicit program(std::vector<std::string> arguments) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    EXPECT_EQ(::pipe2(in.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(out.data(), O_CLOEXEC), 0);
    arguments.insert(arguments.begin(), "openssl");
    std::vector<char*> pointers;
    for (auto& each : arguments) pointers.push_back(each.data());
    pointers.push_back(nullptr);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      ::dup2(out[1], STDERR_FILENO);
      ::execvp("openssl", pointers.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    output_ = out[0];
  }
  program(const program&) = delete;
  program& operator=(const program&) = delete;
  ~program() {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    close_input();
    ::close(output_);
  }

  void say(const std::string& text) {
    EXPECT_EQ(::write(input_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void close_input() {
    if (input_ >= 0) ::close(std::exchange(input_, -1));
  }
  /// What it printed, until that has `wanted` or ends.
  const std::string& read_until(const std::string& wanted) {
    char chunk[4096];
    pollfd waiting{output_, POLLIN, 0};
    while (!printed_.contains(wanted) && ::poll(&waiting, 1, patience_ms) == 1) {
      const ssize_t count = ::read(output_, chunk, sizeof chunk);
      if (count <= 0) break;
      printed_.append(chunk, static_cast<std::size_t>(count));
    }
    return printed_;
  }
  const std::string& read_all() { return read_until(std::string(1, '\0')); }
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(child_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t child_ = -1;
  int input_ = -1;
  int output_ = -1;
  std::string printed_;
};

/// Waits for what the session wants before `call` is repeated, until it wants no more.
template <class Call>
progress finish(int socket, Call call) {
  for (;;) {
    const progress what = call();
    if (what != progress::wants_read && what != progress::wants_write) return what;
    pollfd waiting{socket, static_cast<short>(what == progress::wants_read ? POLLIN : POLLOUT), 0};
    if (::poll(&waiting, 1, patience_ms) != 1) return progress::failed;
  }
}

std::string read_line(session& from, int socket) {
  std::string text;
  while (!text.contains('\n')) {
    std::array<char, 1000> chunk{};
    transfer got;
    if (finish(socket, [&] { return (got = from.read(chunk)).what; }) != progress::done) break;
    text.append(chunk.data(), got.bytes);
  }
  return text;
}

struct openssl_test : testing::Test {
  openssl_test() {
    const auto own = issued({"b.example"});
    server = server_of(own);
    files.write("own.pem", own.certificate);
    files.write("own.key", own.key);
    files.write("ca.pem", bundle());
    address.sun_family = AF_UNIX;
    const auto path = files.path("socket");
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  }

  const sockaddr* where() const { return reinterpret_cast<const sockaddr*>(&address); }

  /// A listening s_server with these arguments behind the usual ones.
  std::unique_ptr<program> s_server(const std::vector<std::string>& more) {
    std::vector<std::string> all{"s_server",
                                 "-unix",
                                 files.path("socket"),
                                 "-cert",
                                 files.path("own.pem"),
                                 "-key",
                                 files.path("own.key"),
                                 "-CAfile",
                                 files.path("ca.pem")};
    all.insert(all.end(), more.begin(), more.end());
    auto made = std::make_unique<program>(all);
    EXPECT_THAT(made->read_until("ACCEPT"), HasSubstr("ACCEPT"));
    return made;
  }
  int connected() const {
    const int made = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(made, where(), sizeof address), 0);
    EXPECT_EQ(::fcntl(made, F_SETFL, O_NONBLOCK), 0);
    return made;
  }

  /// s_client, and the socket on which it was accepted.
  std::pair<std::unique_ptr<program>, int> s_client(const std::vector<std::string>& more) {
    const int listening = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(listening, where(), sizeof address), 0);
    EXPECT_EQ(::listen(listening, 1), 0);
    std::vector<std::string> all{"s_client",           "-unix",
                                 files.path("socket"), "-CAfile",
                                 files.path("ca.pem"), "-verify_return_error",
                                 "-verify_hostname",   "b.example",
                                 "-servername",        "b.example"};
    all.insert(all.end(), more.begin(), more.end());
    auto made = std::make_unique<program>(all);
    pollfd waiting{listening, POLLIN, 0};
    EXPECT_EQ(::poll(&waiting, 1, patience_ms), 1);
    const int accepted = ::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ::close(listening);
    return {std::move(made), accepted};
  }

  /// A line there and back, which s_server -rev turns around.
  void talk_to_s_server(const shared_context& from, const std::string& version) {
    const int socket = connected();
    {
      auto mine = session::connect(from, socket, {.server_name = "b.example"});
      ASSERT_EQ(finish(socket, [&] { return mine.handshake(); }), progress::done) << mine.error();
      EXPECT_EQ(mine.version(), version);
      EXPECT_EQ(mine.protocol(), "weft/1");
      ASSERT_EQ(mine.write(std::string("hello\n")).what, progress::done);
      EXPECT_EQ(read_line(mine, socket), "olleh\n");
      EXPECT_EQ(mine.shutdown(), progress::done);
    }
    ::close(socket);
  }

  scratch files;
  sockaddr_un address{};
  shared_context server;
  shared_context client = client_of();
};

TEST_F(openssl_test, speaks_to_s_server_again_and_again) {
  const auto other = s_server({"-alpn", "weft/1", "-rev"});
  talk_to_s_server(client, "TLSv1.3");
  talk_to_s_server(client, "TLSv1.3");
}

TEST_F(openssl_test, speaks_1_2_to_s_server_by_option) {
  const auto other = s_server({"-alpn", "weft/1", "-rev", "-tls1_2"});
  talk_to_s_server(client_of(bundle(), {}, {.tls_1_2 = true}), "TLSv1.2");
  const int socket = connected();
  auto mine = session::connect(client, socket, {.server_name = "b.example"});
  EXPECT_EQ(finish(socket, [&] { return mine.handshake(); }), progress::failed);
  EXPECT_THAT(mine.error(), HasSubstr("no version of TLS in common"));
  ::close(socket);
}

TEST_F(openssl_test, presents_its_certificate_to_s_server) {
  const auto other = s_server({"-alpn", "weft/1", "-rev", "-Verify", "1", "-verify_return_error"});
  talk_to_s_server(client_of(bundle(), issued({"orders"})), "TLSv1.3");
  const int socket = connected();
  auto mine = session::connect(client, socket, {.server_name = "b.example"});
  std::array<char, 10> chunk{};
  EXPECT_EQ(finish(socket, [&] { return mine.handshake(); }), progress::done);
  EXPECT_EQ(finish(socket, [&] { return mine.read(chunk).what; }), progress::failed);
  EXPECT_THAT(mine.error(), HasSubstr("requires a certificate"));
  ::close(socket);
}

TEST_F(openssl_test, serves_s_client_with_and_without_alpn) {
  for (const auto& more : std::vector<std::vector<std::string>>{{"-alpn", "weft/1", "-quiet"}, {"-quiet"}}) {
    auto [other, socket] = s_client(more);
    {
      auto mine = session::accept(server, socket);
      ASSERT_EQ(finish(socket, [&] { return mine.handshake(); }), progress::done) << mine.error();
      EXPECT_EQ(mine.protocol(), more.size() > 1 ? "weft/1" : "");
      other->say("question\n");
      EXPECT_EQ(read_line(mine, socket), "question\n");
      EXPECT_EQ(mine.write(std::string("answer\n")).what, progress::done);
      EXPECT_EQ(mine.shutdown(), progress::done);
    }
    EXPECT_THAT(other->read_all(), HasSubstr("answer\n"));
    EXPECT_EQ(other->wait(), 0);
    ::close(socket);
    ::unlink(address.sun_path);
  }
}

TEST_F(openssl_test, refuses_s_client_with_another_protocol_version_or_cipher) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"-alpn", "h2"}, "the peer offers h2 (ALPN), not weft/1"},
      {{"-tls1_2"}, "no version of TLS in common"},
      {{"-groups", "P-521"}, "the TLS handshake failed"},
  };
  for (const auto& [more, complaint] : cases) {
    auto [other, socket] = s_client(more);
    auto mine = session::accept(server, socket);
    EXPECT_EQ(finish(socket, [&] { return mine.handshake(); }), progress::failed);
    EXPECT_THAT(mine.error(), HasSubstr(complaint));
    ::shutdown(socket, SHUT_RDWR);
    EXPECT_THAT(other->read_all(), HasSubstr("alert"));
    EXPECT_NE(other->wait(), 0);
    ::close(socket);
    ::unlink(address.sun_path);
  }
}

TEST_F(openssl_test, renegotiation_is_refused) {
  const auto both_versions = server_of(issued({"b.example"}), bundle(), {.tls_1_2 = true});
  auto [other, socket] = s_client({"-tls1_2"});
  auto mine = session::accept(both_versions, socket);
  ASSERT_EQ(finish(socket, [&] { return mine.handshake(); }), progress::done) << mine.error();
  other->read_until("---\nSSL handshake");
  other->say("R\n");
  std::array<char, 10> chunk{};
  // The client gives up, and the connection with it.
  EXPECT_NE(finish(socket, [&] { return mine.read(chunk).what; }), progress::done);
  EXPECT_THAT(other->read_all(), HasSubstr("no renegotiation"));
  ::close(socket);
}

}  // namespace
}  // namespace weft::tls
