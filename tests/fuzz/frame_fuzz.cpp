// The first byte says how the rest, a byte stream, is split into reads.
#include <algorithm>
#include <string>
#include <vector>

#include "proto/frame.hpp"
#include "tests/fuzz/invariant.hpp"

namespace {

using weft::fuzz::require;
using weft::proto::frame_error;
using weft::proto::frame_reader;

constexpr std::size_t max_frame_bytes = 300;

struct outcome {
  std::vector<std::string> frames;
  frame_error error = frame_error::none;
  bool mid_frame = false;

  friend bool operator==(const outcome&, const outcome&) = default;
};

outcome read(std::string_view stream, std::size_t chunk_bytes) {
  frame_reader reader(max_frame_bytes);
  outcome result;
  for (std::size_t at = 0; at < stream.size(); at += chunk_bytes) {
    const std::string_view chunk = stream.substr(at, chunk_bytes);
    const frame_error error = reader.feed(chunk, [&result](std::string_view payload) {
      require(!payload.empty() && payload.size() <= max_frame_bytes, "a frame's size is within the limit");
      result.frames.emplace_back(payload);
    });
    require(result.error == frame_error::none || error == result.error, "an error stays");
    require(reader.buffered_bytes() <= std::min(at + chunk_bytes, max_frame_bytes + 4),
            "no more is held than has arrived and than a frame has");
    result.error = error;
  }
  result.mid_frame = reader.mid_frame();
  return result;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream = weft::fuzz::text_of(data, size).substr(1);
  const outcome whole = read(stream, std::max<std::size_t>(stream.size(), 1));
  require(read(stream, 1) == whole, "feeding byte by byte equals feeding whole");
  require(read(stream, 1U + data[0]) == whole, "feeding in pieces equals feeding whole");

  std::string written;
  for (const std::string& frame : whole.frames) weft::proto::append_frame(written, frame);
  require(stream.starts_with(written), "frames written again are the bytes they were read from");
  require(whole.error != frame_error::none || whole.mid_frame == (written.size() < stream.size()),
          "without an error, what is left over is an incomplete frame");
  return 0;
}
