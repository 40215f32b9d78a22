#include "node/commands/bench/requests.hpp"

#include <fmt/format.h>

#include "node/client/stream_request.hpp"
#include "proto/frame.hpp"

namespace weft::tools {

namespace {

constexpr std::size_t max_table_bytes = std::size_t{512} << 20;

/// What the digits of an id can count.
constexpr std::size_t max_requests = 1'000'000;

/// Every frame has the same size, since all ids have.
void append_slot(std::string& frames, std::string_view method, std::string_view raw_params,
                 std::string_view raw_stream, std::size_t slot, std::size_t batch) {
  std::string payload;
  if (batch > 1) payload += '[';
  for (std::size_t member = 0; member < batch; ++member) {
    if (member > 0) payload += ',';
    append_stream_request(payload, id_of(slot * batch + member), method, raw_params, raw_stream);
  }
  if (batch > 1) payload += ']';
  proto::append_frame(frames, payload);
}

}  // namespace

std::string id_of(std::size_t number) {
  return fmt::format("1{:0{}}", number, id_digits - 1);
}

std::expected<request_table, std::string> request_table::make(std::string_view method,
                                                              std::string_view raw_params, std::size_t slots,
                                                              std::size_t batch,
                                                              std::string_view raw_stream) {
  if (slots > max_requests / batch) {
    return std::unexpected(fmt::format("{} batches of {} requests in flight are too many; ask for at most {}",
                                       slots, batch, max_requests / batch));
  }
  request_table table;
  append_slot(table.frames_, method, raw_params, raw_stream, 0, batch);
  table.frame_bytes_ = table.frames_.size();
  if (slots > max_table_bytes / table.frame_bytes_) {
    return std::unexpected(
        fmt::format("{} frames in flight of {} bytes each are too many; ask for at most {}", slots,
                    table.frame_bytes_, max_table_bytes / table.frame_bytes_));
  }
  table.frames_.reserve(slots * table.frame_bytes_);
  for (std::size_t slot = 1; slot < slots; ++slot) {
    append_slot(table.frames_, method, raw_params, raw_stream, slot, batch);
  }
  return table;
}

}  // namespace weft::tools
