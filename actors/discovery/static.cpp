// NAME=HOST:PORT: one node that is always listed. Its host is looked up by whoever dials it.
#include <fmt/format.h>

#include "actors/discovery/source.hpp"
#include "actors/transport/address.hpp"

namespace weft {
namespace {

class static_source final : public peer_source {
 public:
  explicit static_source(named_address node) : node_(std::move(node)) {}

  std::expected<node_listing, std::string> look() override {
    return node_listing{{node_.name, node_.address, node_.address}};
  }

 private:
  named_address node_;
};

}  // namespace

std::expected<std::unique_ptr<peer_source>, std::string> open_static(std::string_view text,
                                                                     const peer_options&) {
  if (text.contains("://")) {
    return std::unexpected(fmt::format("\"{}\": what lists nodes is given no name; write {}", text,
                                       text.substr(text.find('=') + 1)));
  }
  auto node = parse_named_address(text);
  if (!node) return std::unexpected(std::move(node.error()));
  return std::make_unique<static_source>(std::move(*node));
}

}  // namespace weft
