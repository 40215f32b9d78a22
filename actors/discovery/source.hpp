// Where other nodes come from: NAME=HOST:PORT, NAME=tls://HOST:PORT, a DNS name, a file.
//
// One file and one row of the table per kind of source. A new kind is a class, its `open` function and a row.
//
// Thread safety: a source belongs to whoever opened it; the table is constant.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/config/options.hpp"
#include "actors/runtime/metrics.hpp"

namespace weft {

struct listed_node {
  /// By which handlers call it; empty when the source knows none.
  std::string name;
  host_port address;
  /// What it is called in metrics, where an address that changes with every restart would not do.
  host_port known_as;
  /// Dialled over TLS; its certificate has the host of `known_as`.
  bool tls = false;
  friend bool operator==(const listed_node&, const listed_node&) = default;
};

/// In an order that does not change by itself.
using node_listing = std::vector<listed_node>;

class peer_source {
 public:
  virtual ~peer_source() = default;
  /// The nodes as they are listed now. May block, unless the kind has no interval. On failure the sentence
  /// says what was wrong; nothing is known about the nodes then, in particular not that there are none.
  virtual std::expected<node_listing, std::string> look() = 0;
};

struct source_kind {
  std::string_view name;
  /// "dns://"; empty for what has none.
  std::string_view scheme;
  /// How it is written: "dns://NAME:PORT".
  std::string_view form;
  std::expected<std::unique_ptr<peer_source>, std::string> (*open)(std::string_view text,
                                                                   const peer_options& options);
  /// How often it is looked at; null when it never changes.
  milliseconds peer_options::* interval;
  metric nodes;
  std::optional<metric> failures;
};

struct opened_source {
  /// As it was written.
  std::string text;
  const source_kind* kind = nullptr;
  std::shared_ptr<peer_source> source;
};

std::span<const source_kind> source_kinds();
/// "NAME=HOST:PORT|dns://NAME:PORT|…"
std::string source_forms(std::string_view separator);
/// Opening looks at nothing yet. On failure the sentence names what was wrong and what would be right.
std::expected<opened_source, std::string> open_source(std::string_view text, const peer_options& options);

// -- the kinds, each in its file
std::expected<std::unique_ptr<peer_source>, std::string> open_static(std::string_view text,
                                                                     const peer_options& options);
std::expected<std::unique_ptr<peer_source>, std::string> open_unnamed(std::string_view text,
                                                                      const peer_options& options);
std::expected<std::unique_ptr<peer_source>, std::string> open_dns(std::string_view text,
                                                                  const peer_options& options);
std::expected<std::unique_ptr<peer_source>, std::string> open_file(std::string_view text,
                                                                   const peer_options& options);
/// The text of a listing file.
std::expected<node_listing, std::string> parse_listing(std::string_view text);

}  // namespace weft
