// NAME=HOST:PORT, NAME=tls://HOST:PORT, tls://HOST:PORT: one node that is always listed. Its host is looked
// up by whoever dials it.
#include <algorithm>

#include <fmt/format.h>

#include "actors/discovery/source.hpp"
#include "actors/transport/address.hpp"

namespace weft {
namespace {

class static_source final : public peer_source {
 public:
  explicit static_source(named_address node) : node_(std::move(node)) {}

  std::expected<node_listing, std::string> look() override {
    return node_listing{{node_.name, node_.address.at, node_.address.at, node_.address.tls}};
  }

 private:
  named_address node_;
};

}  // namespace

std::expected<std::unique_ptr<peer_source>, std::string> open_static(std::string_view text,
                                                                     const peer_options&) {
  const auto behind_name = text.substr(text.find('=') + 1);
  const bool one_address = behind_name.starts_with("tls://") || behind_name.starts_with("tcp://");
  if (text.contains("://") && !one_address) {
    const auto scheme = behind_name.substr(0, behind_name.find("://") + 3);
    const bool lists =
        std::ranges::find(source_kinds(), scheme, &source_kind::scheme) != source_kinds().end();
    return std::unexpected(
        lists
            ? fmt::format("\"{}\": what lists nodes is given no name; write {}", text, behind_name)
            : fmt::format("\"{}\": {} is no source of peers; write {}", text, scheme, source_forms(" or ")));
  }
  auto node = parse_named_address(text);
  if (!node) return std::unexpected(std::move(node.error()));
  return std::make_unique<static_source>(std::move(*node));
}

std::expected<std::unique_ptr<peer_source>, std::string> open_unnamed(std::string_view text,
                                                                      const peer_options&) {
  auto address = parse_peer_net_address(text);
  if (!address) return std::unexpected(std::move(address.error()));
  return std::make_unique<static_source>(named_address{"", std::move(*address)});
}

}  // namespace weft
