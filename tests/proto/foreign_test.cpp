#include "proto/foreign.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/frame.hpp"

namespace weft::proto {
namespace {

using namespace std::string_literals;
using testing::StartsWith;

struct greeting {
  foreign is;
  std::string bytes;
};

const std::array greetings = {
    greeting{foreign::http, "HTTP/1.1 400 Bad Request\r\n\r\n"},
    greeting{foreign::http, "HTTP/1.0 200 OK\r\n"},
    greeting{foreign::http, "GET / HTTP/1.1\r\n"},
    greeting{foreign::http, "PRI * HTTP/2.0\r\n"},
    greeting{foreign::tls, "\x15\x03\x01\x00\x02\x02\x0a"s},
    greeting{foreign::tls, "\x16\x03\x03\x00\x7a\x02"s},
    greeting{foreign::ssh, "SSH-2.0-OpenSSH_9.2p1\r\n"},
    greeting{foreign::unknown, "220 mail.example ESMTP\r\n"},
    greeting{foreign::unknown, "-ERR unknown command\r\n"},
    greeting{foreign::unknown, "{\"jsonrpc\":\"2.0\"}\n"},
    greeting{foreign::unknown, "\x15\x02\x01\x00"s},
    greeting{foreign::unknown, "htt"},
    greeting{foreign::unknown, ""},
};

TEST(foreign, is_told_by_the_first_bytes) {
  for (const auto& [is, bytes] : greetings) EXPECT_EQ(what_it_speaks(bytes), is) << bytes;
}

TEST(foreign, is_told_however_the_bytes_arrive) {
  for (const auto& [is, bytes] : greetings) {
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      stream_beginning beginning;
      beginning.add(std::string_view(bytes).substr(0, cut));
      beginning.add(std::string_view(bytes).substr(cut));
      EXPECT_EQ(beginning.what_it_speaks(), is) << bytes << " cut at " << cut;
    }
  }
}

TEST(foreign, is_no_frame) {
  constexpr std::size_t largest_limit = std::size_t{256} << 20;
  for (const auto& [is, bytes] : greetings) {
    if (bytes.size() < frame_header_bytes) continue;
    frame_reader reader(largest_limit);
    EXPECT_NE(reader.feed(bytes, [](std::string_view) {}), frame_error::none) << bytes;
  }
}

TEST(foreign, is_explained_behind_the_name_of_the_other_end) {
  EXPECT_EQ(explain(foreign::http), "speaks HTTP; is this the admin port of a node?");
  EXPECT_THAT(std::string(explain(foreign::tls)), StartsWith("speaks TLS; "));
  EXPECT_THAT(std::string(explain(foreign::ssh)), StartsWith("speaks SSH; "));
  EXPECT_THAT(std::string(explain(foreign::unknown)),
              StartsWith("speaks something other than framed JSON-RPC"));
}

}  // namespace
}  // namespace weft::proto
