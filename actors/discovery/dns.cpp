// dns://NAME:PORT, dns+tls://NAME:PORT: every address that the name has now, A and AAAA.
//
// getaddrinfo does not tell records' times to live, nor a name without addresses from a resolver that could
// not be asked. So it is asked at a fixed interval, and anything but addresses is a failure.
#include <algorithm>

#include <fmt/format.h>

#include "actors/discovery/source.hpp"
#include "actors/transport/address.hpp"
#include "actors/transport/network.hpp"

namespace weft {
namespace {

class dns_source final : public peer_source {
 public:
  explicit dns_source(net_address service) : service_(std::move(service.at)), tls_(service.tls) {}

  std::expected<node_listing, std::string> look() override {
    auto found = resolve_host(service_);
    if (!found) return std::unexpected(std::move(found.error()));
    node_listing nodes;
    for (const auto& address : *found) nodes.push_back({"", to_host_port(address), service_, tls_});
    // Name servers turn the order round with every answer.
    const auto by_address = [](const listed_node& node) { return node.address.host; };
    std::ranges::sort(nodes, {}, by_address);
    const auto twice = std::ranges::unique(nodes, {}, by_address);
    nodes.erase(twice.begin(), twice.end());
    return nodes;
  }

 private:
  host_port service_;
  bool tls_;
};

}  // namespace

std::expected<std::unique_ptr<peer_source>, std::string> open_dns(std::string_view text,
                                                                  const peer_options&) {
  constexpr std::string_view mark = "://";
  const auto scheme = text.substr(0, text.find(mark) + mark.size());
  const auto name = text.substr(scheme.size());
  if (!name.contains(':'))
    return std::unexpected(
        fmt::format("\"{}\" has no port; write {}NAME:PORT such as {}weft:7400", text, scheme, scheme));
  auto service = parse_peer_address(name);
  if (!service) return std::unexpected(fmt::format("\"{}\": {}", text, service.error()));
  return std::make_unique<dns_source>(net_address{std::move(*service), scheme == "dns+tls://"});
}

}  // namespace weft
