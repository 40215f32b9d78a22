#include "node/tools/bench/requests.hpp"

#include <fmt/format.h>

#include "proto/frame.hpp"
#include "proto/message.hpp"

namespace weft::tools {

namespace {

constexpr std::size_t max_table_bytes = std::size_t{512} << 20;

std::string id_of(std::size_t slot) {
  return fmt::format("1{:0{}}", slot, id_digits - 1);
}

}  // namespace

std::expected<request_table, std::string> request_table::make(std::string_view method,
                                                              std::string_view raw_params,
                                                              std::size_t slots) {
  std::string payload;
  proto::append_request(payload, id_of(0), method, raw_params);
  request_table table;
  proto::append_frame(table.frames_, payload);
  table.frame_bytes_ = table.frames_.size();
  if (slots > max_table_bytes / table.frame_bytes_) {
    return std::unexpected(
        fmt::format("{} requests in flight of {} bytes each are too many; ask for at most {}", slots,
                    table.frame_bytes_, max_table_bytes / table.frame_bytes_));
  }
  table.frames_.reserve(slots * table.frame_bytes_);
  for (std::size_t slot = 1; slot < slots; ++slot) {
    payload.clear();
    proto::append_request(payload, id_of(slot), method, raw_params);
    proto::append_frame(table.frames_, payload);
  }
  return table;
}

}  // namespace weft::tools
