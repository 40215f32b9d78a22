#include "node/config/json_file.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace weft {
namespace {

using nlohmann::json;

/// nlohmann keeps the last of two equal keys and says nothing.
class duplicate_check {
 public:
  bool operator()(int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) open_.emplace_back();
    if (event == json::parse_event_t::object_end) open_.pop_back();
    if (event == json::parse_event_t::key && !open_.back().insert(parsed.get<std::string>()).second)
      twice.push_back(parsed.get<std::string>());
    return true;
  }

  std::vector<std::string> twice;

 private:
  std::vector<std::set<std::string>> open_;
};

/// The library's own number in brackets means nothing to a user, and what it read last may be a secret.
std::string_view without_details(std::string_view what) {
  what.remove_prefix(std::min(what.find("] ") + 2, what.size()));
  return what.substr(0, what.find("; last read"));
}

}  // namespace

json parse_json_file(std::string_view text, std::string_view origin, std::vector<std::string>& errors) {
  duplicate_check duplicates;
  json document;
  try {
    document = json::parse(text, std::ref(duplicates), true, true);
  } catch (const json::exception& e) {
    errors.push_back(
        fmt::format("{}: {}; write JSON, comments are allowed", origin, without_details(e.what())));
    return json(json::value_t::discarded);
  }
  for (const std::string& key : duplicates.twice)
    errors.push_back(fmt::format("{}: {} stands twice in one object; give it once", origin, json_text(key)));
  return document;
}

std::string json_text(std::string_view text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace weft
