#include "actors/discovery/source.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace weft {
namespace {

constexpr source_kind kinds[] = {
    {"static", "", "NAME=HOST:PORT", open_static, nullptr, metric::discovered_static, std::nullopt},
    {"static", "tls://", "[NAME=]tls://HOST:PORT", open_unnamed, nullptr, metric::discovered_static,
     std::nullopt},
    {"dns", "dns://", "dns://NAME:PORT", open_dns, &peer_options::dns_interval, metric::discovered_dns,
     metric::discovery_failures_dns},
    {"dns", "dns+tls://", "dns+tls://NAME:PORT", open_dns, &peer_options::dns_interval,
     metric::discovered_dns, metric::discovery_failures_dns},
    {"file", "file://", "file:///PATH", open_file, &peer_options::file_interval, metric::discovered_file,
     metric::discovery_failures_file},
};

std::string_view scheme_of(std::string_view text) {
  constexpr std::string_view mark = "://";
  const auto at = text.find(mark);
  if (at == text.npos || text.substr(0, at).contains('=')) return "";
  return text.substr(0, at + mark.size());
}

}  // namespace

std::span<const source_kind> source_kinds() {
  return kinds;
}

std::string source_forms(std::string_view separator) {
  std::string forms;
  for (const auto& kind : kinds) {
    if (!forms.empty()) forms += separator;
    forms += kind.form;
  }
  return forms;
}

std::expected<opened_source, std::string> open_source(std::string_view text, const peer_options& options) {
  const auto scheme = scheme_of(text);
  const auto* kind = std::ranges::find(kinds, scheme, &source_kind::scheme);
  if (kind == std::end(kinds)) {
    return std::unexpected(
        fmt::format("\"{}\": {} is no source of peers; write {}", text, scheme, source_forms(" or ")));
  }
  auto source = kind->open(text, options);
  if (!source) return std::unexpected(std::move(source.error()));
  return opened_source{std::string(text), kind, std::move(*source)};
}

}  // namespace weft
