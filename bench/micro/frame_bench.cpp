// The frame codec: many small frames in one read, one large frame in many reads, and writing.
#include <algorithm>

#include <benchmark/benchmark.h>

#include "bench/micro/sample_messages.hpp"
#include "proto/frame.hpp"

namespace weft::bench {
namespace {

constexpr std::size_t max_frame_bytes = 1 << 20;
constexpr std::size_t read_bytes = 16 * 1024;

std::string frames_of(const std::string& payload, std::size_t count) {
  std::string stream;
  for (std::size_t i = 0; i < count; ++i) proto::append_frame(stream, payload);
  return stream;
}

void feed(benchmark::State& state, const std::string& stream, std::size_t chunk_bytes) {
  proto::frame_reader reader(max_frame_bytes);
  std::size_t frames = 0;
  for (auto _ : state) {
    for (std::size_t at = 0; at < stream.size(); at += chunk_bytes) {
      reader.feed(std::string_view(stream).substr(at, chunk_bytes), [&frames](std::string_view payload) {
        benchmark::DoNotOptimize(payload.data());
        ++frames;
      });
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(frames));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(stream.size()));
}

void read_small_frames(benchmark::State& state) {
  feed(state, frames_of(small_request(), 256), read_bytes);
}
BENCHMARK(read_small_frames);

void read_large_frame(benchmark::State& state) {
  feed(state, frames_of(std::string(900'000, 'x'), 1), read_bytes);
}
BENCHMARK(read_large_frame);

void write_small_frames(benchmark::State& state) {
  const std::string payload = small_request();
  std::string out;
  for (auto _ : state) {
    out.clear();
    for (int i = 0; i < 256; ++i) proto::append_frame(out, payload);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * 256);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(out.size()));
}
BENCHMARK(write_small_frames);

}  // namespace
}  // namespace weft::bench
