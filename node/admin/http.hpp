// An HTTP request and its response as plain values, apart from the server that carries them.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace weft {

struct http_request {
  std::string method;
  /// Decoded, without the query.
  std::string path;
  /// Still encoded, empty for none.
  std::string query;
  std::string body;
  // Headers, empty for none.
  std::string host{};            // NOLINT(readability-redundant-member-init)
  std::string origin{};          // NOLINT(readability-redundant-member-init)
  std::string sec_fetch_site{};  // NOLINT(readability-redundant-member-init)
};

struct http_response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  /// The Allow header of a 405. Initialized, since clang warns about responses that leave it out otherwise.
  std::string allow{};  // NOLINT(readability-redundant-member-init)
};

http_response text_response(int status, std::string body);
/// Indented by two.
http_response json_response(const nlohmann::json& value);

}  // namespace weft
