// What a connection writes: at once while the kernel takes it, in order afterwards, and not to who is gone.
#include "actors/transport/socket_output.hpp"

#include <array>
#include <string>

#include <sys/socket.h>
#include <unistd.h>

#include "tests/actors/transport/frame_of.hpp"
#include "tests/actors/transport/resources_case.hpp"

namespace weft {
namespace {

class socket_output_test : public resources_case {
 protected:
  static std::array<int, 2> pair() {
    std::array<int, 2> made{-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, made.data()), 0);
    return made;
  }
  ~socket_output_test() override {
    if (ends[1] >= 0) ::close(ends[1]);
  }

  bool write(std::string_view bulk, std::string_view urgent = {}) {
    const auto batch = shared.outbound.take();
    batch->bulk = bulk;
    batch->urgent = urgent;
    return output.write(socket, *batch);
  }
  std::string read_all() {
    std::string all;
    std::array<char, 65'536> buffer;
    for (ssize_t count; (count = ::read(ends[1], buffer.data(), buffer.size())) > 0;)
      all.append(buffer.data(), static_cast<std::size_t>(count));
    return all;
  }
  /// Reads what was written while more of it is, to the end.
  std::string drain() {
    std::string all = read_all();
    while (!output.empty()) {
      EXPECT_TRUE(output.flush(socket));
      all += read_all();
    }
    return all;
  }

  std::array<int, 2> ends = pair();
  stream_socket socket{ends[0]};
  connection_status status;
  socket_output output{shared.loop, status};
};

TEST_F(socket_output_test, writes_at_once_what_the_kernel_takes) {
  ASSERT_TRUE(write(frame_of("bulk"), frame_of("urgent")));
  EXPECT_TRUE(output.empty());
  EXPECT_EQ(read_all(), frame_of("urgent") + frame_of("bulk"));
  EXPECT_EQ(status.bytes_written, frame_of("urgent").size() + frame_of("bulk").size());
  EXPECT_EQ(shared.loop.metrics().get(metric::bytes_written),
            static_cast<std::int64_t>(status.bytes_written));
}

TEST_F(socket_output_test, queues_the_rest_and_goes_on_in_order) {
  const auto large = frame_of(std::string(4'000'000, 'x'));
  ASSERT_TRUE(write(large));
  ASSERT_FALSE(output.empty());
  EXPECT_EQ(status.pending_output, output.size());
  ASSERT_TRUE(write(frame_of("later")));
  EXPECT_EQ(drain(), large + frame_of("later"));
  EXPECT_EQ(status.pending_output, 0U);
}

TEST_F(socket_output_test, urgent_frames_overtake_what_waits) {
  const auto large = frame_of(std::string(4'000'000, 'x'));
  ASSERT_TRUE(write(large + frame_of("bulk")));
  output.queue_urgent(frame_of("urgent"));
  EXPECT_EQ(drain(), large + frame_of("urgent") + frame_of("bulk"));
}

TEST_F(socket_output_test, says_when_nobody_is_there) {
  ::close(ends[1]);
  ends[1] = -1;
  EXPECT_FALSE(write(frame_of("bulk")));
}

}  // namespace
}  // namespace weft
