#include "node/telemetry/http_client.hpp"

#include <algorithm>
#include <stdexcept>

#include <curl/curl.h>
#include <fmt/format.h>

namespace weft::tracing {
namespace {

/// An answer is a few words; whatever else comes is read and forgotten.
constexpr std::size_t max_answer_bytes = std::size_t{64} << 10;

std::size_t append_answer(char* data, std::size_t size, std::size_t count, void* into) {
  auto& body = *static_cast<std::string*>(into);
  body.append(data, std::min(size * count, max_answer_bytes - body.size()));
  return size * count;
}

/// libcurl's global state, for as long as the program runs.
bool library_ready() {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return ready;
}

struct url_parts {
  url_parts() : handle(curl_url()) {}
  ~url_parts() { curl_url_cleanup(handle); }
  url_parts(const url_parts&) = delete;
  url_parts& operator=(const url_parts&) = delete;

  std::string get(CURLUPart part) const {
    char* text = nullptr;
    if (curl_url_get(handle, part, &text, 0) != CURLUE_OK) return {};
    std::string copy(text);
    curl_free(text);
    return copy;
  }

  CURLU* handle;
};

}  // namespace

struct http_client::handles {
  CURLM* multi = nullptr;
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;

  ~handles() {
    if (easy != nullptr) curl_easy_cleanup(easy);
    if (multi != nullptr) curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
  }
};

http_client::http_client(std::string url, const std::string& user_agent)
    : url_(std::move(url)), handles_(std::make_unique<handles>()) {
  if (!library_ready()) throw std::runtime_error("libcurl cannot be initialized");
  auto& h = *handles_;
  h.multi = curl_multi_init();
  h.easy = curl_easy_init();
  // Without "Expect", libcurl would wait a second before each larger body.
  for (const char* line : {"Content-Type: application/json", "Expect:"}) {
    h.headers = curl_slist_append(h.headers, line);
  }
  if (h.multi == nullptr || h.easy == nullptr || h.headers == nullptr) throw std::bad_alloc();
  curl_easy_setopt(h.easy, CURLOPT_URL, url_.c_str());
  curl_easy_setopt(h.easy, CURLOPT_USERAGENT, user_agent.c_str());
  curl_easy_setopt(h.easy, CURLOPT_HTTPHEADER, h.headers);
  curl_easy_setopt(h.easy, CURLOPT_POST, 1L);
  curl_easy_setopt(h.easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(h.easy, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(h.easy, CURLOPT_WRITEFUNCTION, append_answer);
}

http_client::~http_client() = default;

std::expected<http_answer, std::string> http_client::post(const std::string& body,
                                                          clock::time_point deadline) {
  auto& h = *handles_;
  http_answer answer;
  char detail[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(h.easy, CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(h.easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(h.easy, CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(h.easy, CURLOPT_ERRORBUFFER, detail);
  curl_multi_add_handle(h.multi, h.easy);

  bool in_time = true;
  int running = 1;
  while (running != 0) {
    if (curl_multi_perform(h.multi, &running) != CURLM_OK || running == 0) break;
    const auto left = std::min(deadline, end_.load()) - clock::now();
    in_time = left.count() > 0;
    if (!in_time) break;
    const auto wait =
        std::min<std::int64_t>(1'000, std::chrono::ceil<std::chrono::milliseconds>(left).count());
    curl_multi_poll(h.multi, nullptr, 0, static_cast<int>(wait), nullptr);
  }
  CURLcode outcome = CURLE_OPERATION_TIMEDOUT;
  int messages = 0;
  while (const CURLMsg* message = curl_multi_info_read(h.multi, &messages)) {
    if (message->msg == CURLMSG_DONE) outcome = message->data.result;
  }
  curl_easy_getinfo(h.easy, CURLINFO_RESPONSE_CODE, &answer.status);
  curl_off_t retry_after = 0;
  curl_easy_getinfo(h.easy, CURLINFO_RETRY_AFTER, &retry_after);
  if (retry_after > 0) answer.retry_after = std::chrono::seconds(retry_after);
  curl_multi_remove_handle(h.multi, h.easy);
  curl_easy_setopt(h.easy, CURLOPT_ERRORBUFFER, nullptr);

  if (!in_time) return std::unexpected("no answer in time");
  if (outcome != CURLE_OK) {
    return std::unexpected(detail[0] != '\0' ? std::string(detail) : curl_easy_strerror(outcome));
  }
  return answer;
}

void http_client::give_up_at(clock::time_point deadline) noexcept {
  end_.store(deadline);
  curl_multi_wakeup(handles_->multi);
}

std::string check_url(std::string_view url) {
  if (url.empty()) return {};
  constexpr std::string_view example = "write one such as http://127.0.0.1:4318/v1/traces";
  const url_parts parts;
  if (curl_url_set(parts.handle, CURLUPART_URL, std::string(url).c_str(), 0) != CURLUE_OK) {
    return fmt::format("\"{}\" is not a URL; {}", url, example);
  }
  const auto scheme = parts.get(CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") {
    return fmt::format("\"{}\" is neither http:// nor https://; {}", url, example);
  }
  if (!parts.get(CURLUPART_USER).empty() || !parts.get(CURLUPART_PASSWORD).empty()) {
    return fmt::format("the URL holds a user or a password, which would be shown with the configuration; {}",
                       example);
  }
  if (parts.get(CURLUPART_PATH) == "/") {
    return fmt::format("\"{}\" has no path, and collectors take spans at /v1/traces; {}", url, example);
  }
  return {};
}

}  // namespace weft::tracing
