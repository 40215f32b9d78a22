// POSTs to one URL over a connection that is kept, with libcurl. Proxies of the environment are not used.
//
// Thread safety: `post` by one thread at a time; `give_up_at` from any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace weft::tracing {

struct http_answer {
  long status = 0;
  std::string body;
  std::optional<std::chrono::seconds> retry_after;
};

class http_client {
 public:
  using clock = std::chrono::steady_clock;

  http_client(std::string url, const std::string& user_agent);
  ~http_client();
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  /// Sends JSON and waits for the answer, at most until `deadline`. On failure the sentence says what
  /// happened.
  std::expected<http_answer, std::string> post(const std::string& body, clock::time_point deadline);
  /// No request takes longer than until then, also one that is under way.
  void give_up_at(clock::time_point deadline) noexcept;

 private:
  struct handles;

  std::string url_;
  std::unique_ptr<handles> handles_;
  std::atomic<clock::time_point> end_{clock::time_point::max()};
};

/// The complaint about a URL, empty when it can be posted to or is empty.
std::string check_url(std::string_view url);

}  // namespace weft::tracing
