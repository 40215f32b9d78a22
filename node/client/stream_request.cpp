#include "node/client/stream_request.hpp"

namespace weft::tools {

void append_stream_request(std::string& out, std::string_view raw_id, std::string_view method,
                           std::string_view raw_params, std::string_view raw_stream,
                           const proto::request_members& members) {
  proto::append_request(out, raw_id, method, raw_params, members);
  if (raw_stream.empty()) return;
  out.back() = ',';
  out += R"("stream":)";
  out += raw_stream;
  out += '}';
}

}  // namespace weft::tools
