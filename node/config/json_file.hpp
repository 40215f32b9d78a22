// JSON that people write: comments are allowed, a key that stands twice in an object is a mistake.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace weft {

/// The document, discarded when it is no JSON. Complaints, each beginning with `origin`, are added to
/// `errors`; they show keys, but never a value.
nlohmann::json parse_json_file(std::string_view text, std::string_view origin,
                               std::vector<std::string>& errors);

/// Text as a JSON string, for messages.
std::string json_text(std::string_view text);

}  // namespace weft
