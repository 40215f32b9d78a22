// A GET of a node's admin page with a plain socket, for the commands that show one.
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>

#include "actors/config/options.hpp"

namespace weft::tools {

struct http_response {
  int status = 0;
  std::string body;
};

/// Blocks at most `timeout`. On failure the sentence says what to check.
std::expected<http_response, std::string> http_get(const host_port& admin, std::string_view path,
                                                   std::chrono::nanoseconds timeout);

}  // namespace weft::tools
