// The request that opens a stream. Arguments called `raw_…` are JSON already.
#pragma once

#include <string>
#include <string_view>

#include "proto/message.hpp"

namespace weft::tools {

/// As `proto::append_request`, with the member `stream` (proto/stream.hpp); an empty one is left out.
void append_stream_request(std::string& out, std::string_view raw_id, std::string_view method,
                           std::string_view raw_params, std::string_view raw_stream,
                           const proto::request_members& members = {});

}  // namespace weft::tools
