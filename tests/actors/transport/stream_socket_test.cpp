// A connection's output and input over TLS: nothing is lost, reordered or written twice when the kernel takes
// only some of it.
#include "actors/transport/stream_socket.hpp"

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "actors/transport/socket_output.hpp"
#include "proto/frame.hpp"
#include "tests/actors/tls/support.hpp"
#include "tests/actors/transport/frame_of.hpp"
#include "tests/actors/transport/resources_case.hpp"

namespace weft {
namespace {

class stream_socket_test : public resources_case {
 protected:
  stream_socket_test() {
    auto server = std::make_unique<tls::session>(
        tls::session::accept(tls::server_of(tls::issued({"localhost"})), ends[0]));
    auto client = tls::session::connect(tls::client_of(), ends[1], {.server_name = "localhost"});
    for (int turn = 0; turn < 10; ++turn) {
      const auto there = client.handshake();
      const auto here = server->handshake();
      if (there == tls::progress::done && here == tls::progress::done) break;
    }
    socket.emplace(ends[0], std::move(server));
    other.emplace(std::move(client));
  }
  ~stream_socket_test() override { ::close(ends[1]); }

  static std::array<int, 2> pair() {
    std::array<int, 2> made{-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, made.data()), 0);
    return made;
  }

  bool write(std::string_view bulk, std::string_view urgent = {}) {
    const auto batch = shared.outbound.take();
    batch->bulk = bulk;
    batch->urgent = urgent;
    return output.write(*socket, *batch);
  }
  /// Up to so many bytes of what has come.
  std::string read_some(std::size_t most) {
    std::string all(most, '\0');
    const auto got = other->read({all.data(), most});
    all.resize(got.bytes);
    return all;
  }
  /// What was written, read in small parts while the rest is.
  std::vector<std::string> frames_to_the_end() {
    std::vector<std::string> frames;
    proto::frame_reader reader(std::size_t{16} << 20);
    for (int idle = 0; idle < 3;) {
      const auto some = read_some(3'000);
      idle = some.empty() && output.empty() ? idle + 1 : 0;
      EXPECT_EQ(reader.feed(some, [&](std::string_view payload) { frames.emplace_back(payload); }),
                proto::frame_error::none);
      EXPECT_TRUE(output.flush(*socket));
    }
    EXPECT_FALSE(reader.mid_frame());
    return frames;
  }

  std::array<int, 2> ends = pair();
  std::optional<stream_socket> socket;
  std::optional<tls::session> other;
  connection_status status;
  socket_output output{shared.loop, status};
};

TEST_F(stream_socket_test, urgent_frames_overtake_what_has_not_begun) {
  const std::string large(3'000'000, 'x');
  std::string bulk = frame_of(large);
  for (int i = 0; i < 200; ++i) bulk += frame_of("bulk");
  ASSERT_TRUE(write(bulk));
  ASSERT_FALSE(output.empty());
  EXPECT_GT(socket->begun(), 0U);
  output.queue_urgent(frame_of("urgent"));
  const auto frames = frames_to_the_end();
  ASSERT_EQ(frames.size(), 202U);
  EXPECT_EQ(frames[0], large);
  EXPECT_EQ(std::ranges::count(frames, "urgent"), 1);
  EXPECT_LT(std::ranges::find(frames, "urgent") - frames.begin(), 201) << "it has overtaken some";
}

TEST_F(stream_socket_test, small_frames_and_urgent_ones_at_any_moment_arrive_whole) {
  std::size_t urgent = 0;
  std::size_t bulk = 0;
  for (int round = 0; round < 600; ++round) {
    std::string frames;
    for (int i = 0; i < 30; ++i, ++bulk) frames += frame_of("bulk " + std::string(round % 97, 'b'));
    ASSERT_TRUE(write(frames, round % 3 == 0 ? frame_of("urgent") : std::string()));
    urgent += round % 3 == 0 ? 1 : 0;
    if (round % 7 == 0) output.queue_urgent(frame_of("urgent")), ++urgent;
  }
  ASSERT_FALSE(output.empty()) << "the kernel took everything, so nothing was tried";
  const auto frames = frames_to_the_end();
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(frames, "urgent")), urgent);
  EXPECT_EQ(frames.size(), bulk + urgent);
}

TEST_F(stream_socket_test, reads_all_records_that_have_come_at_once) {
  std::string sent;
  for (int i = 0; i < 10; ++i) {
    const std::string part(1'000, static_cast<char>('a' + i));
    ASSERT_EQ(other->write({part.data(), part.size()}).bytes, part.size());
    sent += part;
  }
  std::string all(64'000, '\0');
  ASSERT_EQ(socket->read(all.data(), all.size()), static_cast<ssize_t>(sent.size()));
  EXPECT_EQ(all.substr(0, sent.size()), sent);
  EXPECT_EQ(socket->read(all.data(), all.size()), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_FALSE(socket->has_buffered());
}

TEST_F(stream_socket_test, knows_what_a_small_buffer_has_left_behind) {
  const std::string sent(10'000, 'x');
  ASSERT_EQ(other->write({sent.data(), sent.size()}).bytes, sent.size());
  std::string some(100, '\0');
  ASSERT_EQ(socket->read(some.data(), some.size()), 100);
  EXPECT_TRUE(socket->has_buffered());
}

TEST_F(stream_socket_test, tells_an_end_from_a_cut) {
  char byte = 0;
  other->shutdown();
  EXPECT_EQ(socket->read(&byte, 1), 0);
  EXPECT_GT(socket->write("still heard"), 0);
}

TEST_F(stream_socket_test, an_end_that_came_with_data_is_still_to_be_read) {
  const std::string_view last = "last";
  ASSERT_EQ(other->write({last.data(), last.size()}).bytes, last.size());
  other->shutdown();
  std::array<char, 64> some{};
  ASSERT_EQ(socket->read(some.data(), some.size()), 4);
  EXPECT_TRUE(socket->has_buffered()) << "no event tells of it";
  EXPECT_EQ(socket->read(some.data(), some.size()), 0);
  EXPECT_FALSE(socket->has_buffered());
}

TEST_F(stream_socket_test, tells_a_cut_from_an_end) {
  char byte = 0;
  ::shutdown(ends[1], SHUT_WR);
  EXPECT_EQ(socket->read(&byte, 1), -1);
  EXPECT_EQ(errno, ECONNABORTED);
}

}  // namespace
}  // namespace weft
