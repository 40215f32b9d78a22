#include "node/client/discovery.hpp"

#include <utility>

#include "node/client/exchange.hpp"
#include "proto/message.hpp"

namespace weft::tools {

namespace {

using nlohmann::json;

std::string name_of(const json& method) {
  if (!method.is_object()) return {};
  const auto found = method.find("name");
  return found != method.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

const json* discovered_methods::find(std::string_view name) const {
  const json* best = nullptr;
  std::size_t longest = 0;
  for (const auto& each : methods_) {
    const auto pattern = name_of(each);
    if (pattern == name) return &each;
    const bool stands_for_it =
        pattern.ends_with(".*") && name.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
    if (!stands_for_it || pattern.size() <= longest) continue;
    best = &each;
    longest = pattern.size();
  }
  return best;
}

std::vector<std::string> discovered_methods::names() const {
  std::vector<std::string> all;
  for (const auto& each : methods_) {
    if (auto name = name_of(each); !name.empty() && !name.ends_with('*')) all.push_back(std::move(name));
  }
  return all;
}

std::expected<std::optional<discovered_methods>, client_error> discover(client& connection,
                                                                        steady_clock::time_point until) {
  std::string request;
  proto::append_request(request, exchange_id, "rpc.discover", {});
  const auto reply = exchange(connection, request, until);
  if (!reply) return std::unexpected(reply.error());
  if (!reply->ok) return std::nullopt;
  auto document = json::parse(reply->raw, nullptr, false);
  if (!document.is_object() || !document.contains("methods") || !document["methods"].is_array())
    return std::nullopt;
  return discovered_methods(std::move(document["methods"]));
}

bool is_resumable(const json& method) {
  const auto stream = method.find("x-stream");
  if (stream == method.end() || !stream->is_object()) return false;
  const auto found = stream->find("resumable");
  return found != stream->end() && found->is_boolean() && found->get<bool>();
}

}  // namespace weft::tools
