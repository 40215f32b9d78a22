#include "actors/service/service_host.hpp"

#include <algorithm>
#include <stdexcept>

#include "actors/methods/method_pattern.hpp"

namespace weft {

service_host& service_host::add(method m) {
  if (m.name.empty()) throw std::invalid_argument("a method needs a name");
  if (is_reserved_method(m.name)) {
    throw std::invalid_argument("method '" + m.name +
                                "' is reserved for the node: rpc.*, mesh.*, $/…, connect and heartbeat are");
  }
  return insert(std::move(m));
}

service_host& service_host::add_builtin(method m) {
  return insert(std::move(m));
}

service_host& service_host::insert(method m) {
  if (methods_.contains(m.name)) {
    throw std::invalid_argument("method '" + m.name + "' is registered twice");
  }
  auto& added = methods_[m.name];
  added = std::move(m);
  return *this;
}

std::vector<const method*> service_host::list() const {
  std::vector<const method*> all;
  all.reserve(methods_.size());
  for (const auto& [name, m] : methods_) all.push_back(&m);
  std::ranges::sort(all, {}, &method::name);
  return all;
}

nlohmann::json openrpc_document(const std::vector<const method*>& methods, std::string_view node) {
  auto list = nlohmann::json::array();
  for (const auto* m : methods) {
    list.push_back({{"name", m->name},
                    {"summary", m->summary},
                    {"params", m->params.is_array() ? m->params : nlohmann::json::array()},
                    {"result", {{"name", "result"}, {"schema", m->result}}},
                    {"x-idempotent", m->idempotent}});
    // What a list of parameters cannot say: that there may be any.
    if (!m->params.is_array()) list.back()["x-params-schema"] = m->params;
    if (const auto* s = m->streams())
      list.back()["x-stream"] = {{"item", s->item}, {"input", s->input}, {"resumable", s->resumable}};
  }
  return {{"openrpc", "1.3.2"},
          {"info", {{"title", "weft node " + std::string(node)}, {"version", "1.0.0"}}},
          {"methods", std::move(list)}};
}

}  // namespace weft
