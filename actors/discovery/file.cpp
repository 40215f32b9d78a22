// file:///PATH: a JSON list of nodes, ["10.0.0.2:7400", {"name": "c", "address": "tls://10.0.0.3:7443"}].
//
// The file is read again and again and its bytes are compared: times of modification have the grain of the
// kernel's clock, so two writes within one tick would look like one.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/discovery/source.hpp"
#include "actors/transport/address.hpp"

namespace weft {
namespace {

using nlohmann::json;
using listing = std::expected<node_listing, std::string>;

constexpr std::string_view form =
    R"(write a JSON list such as ["10.0.0.2:7400", {"name": "c", "address": "10.0.0.3:7400"}])";

// No entry needs more: a name has 64 bytes, a host name 253. Room for comments and white space.
constexpr std::size_t bytes_per_node = 1024;
constexpr std::size_t least_bytes = std::size_t{64} * 1024;

class descriptor {
 public:
  explicit descriptor(int number) noexcept : number_(number) {}
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  int get() const noexcept { return number_; }

 private:
  int number_;
};

std::expected<std::string, std::string> read_all(const std::string& path, std::size_t most) {
  const auto failed = [&] {
    return std::unexpected(fmt::format("the file cannot be read: {}", std::strerror(errno)));
  };
  // Not blocking: nobody may ever write to a pipe of that name.
  const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return failed();
  struct stat about{};
  if (::fstat(file.get(), &about) != 0) return failed();
  if (!S_ISREG(about.st_mode)) return std::unexpected(fmt::format("is not a regular file; {}", form));
  std::string text;
  for (;;) {
    const auto before = text.size();
    text.resize(before + least_bytes);
    const auto got = ::read(file.get(), text.data() + before, least_bytes);
    if (got < 0) return failed();
    text.resize(before + static_cast<std::size_t>(got));
    if (got == 0) return text;
    if (text.size() > most) {
      return std::unexpected(
          fmt::format("is larger than the {} bytes that mesh.max_discovered_nodes allows", most));
    }
  }
}

std::expected<listed_node, std::string> parse_entry(const json& entry) {
  listed_node node;
  const json* address = &entry;
  if (entry.is_object()) {
    for (const auto& [member, value] : entry.items()) {
      if (member != "name" && member != "address")
        return std::unexpected(
            fmt::format("\"{}\" is unknown; an entry has \"name\" and \"address\"", member));
      if (!value.is_string()) return std::unexpected(fmt::format("\"{}\" is not a string", member));
    }
    if (!entry.contains("address")) return std::unexpected("\"address\" is missing");
    address = &entry["address"];
    node.name = entry.value("name", "");
    if (entry.contains("name")) {
      if (auto complaint = check_node_name(node.name); !complaint.empty())
        return std::unexpected(std::move(complaint));
    }
  } else if (!entry.is_string()) {
    return std::unexpected(fmt::format("is a {}", entry.type_name()));
  }
  auto parsed = parse_peer_net_address(address->get_ref<const std::string&>());
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  node.address = node.known_as = std::move(parsed->at);
  node.tls = parsed->tls;
  return node;
}

class file_source final : public peer_source {
 public:
  file_source(std::string path, std::size_t most_bytes) : path_(std::move(path)), most_bytes_(most_bytes) {}

  listing look() override {
    auto text = read_all(path_, most_bytes_);
    if (!text) {
      // What stands there when it comes back is read in any case.
      text_.reset();
      return std::unexpected(std::move(text.error()));
    }
    if (text_ != *text) {
      listed_ = parse_listing(*text);
      text_ = std::move(*text);
    }
    return listed_;
  }

 private:
  std::string path_;
  std::size_t most_bytes_;
  std::optional<std::string> text_;
  listing listed_;
};

}  // namespace

listing parse_listing(std::string_view text) {
  const auto document = json::parse(text, nullptr, false, true);
  if (document.is_discarded()) return std::unexpected(fmt::format("is no JSON; {}", form));
  if (!document.is_array())
    return std::unexpected(fmt::format("is a JSON {}; {}", document.type_name(), form));
  node_listing nodes;
  std::set<std::string> names;
  for (std::size_t i = 0; i < document.size(); ++i) {
    auto node = parse_entry(document[i]);
    if (!node) return std::unexpected(fmt::format("entry {}: {}; {}", i + 1, node.error(), form));
    if (!node->name.empty() && !names.insert(node->name).second) {
      return std::unexpected(fmt::format(
          "entry {}: the name \"{}\" stands twice; give each node a name of its own", i + 1, node->name));
    }
    nodes.push_back(std::move(*node));
  }
  return nodes;
}

std::expected<std::unique_ptr<peer_source>, std::string> open_file(std::string_view text,
                                                                   const peer_options& options) {
  constexpr std::string_view scheme = "file://";
  const auto path = text.substr(scheme.size());
  if (!path.starts_with('/') || path.ends_with('/')) {
    return std::unexpected(
        fmt::format("\"{}\": \"{}\" is not the absolute path of a file; write file:///PATH such as "
                    "file:///etc/weft/peers.json",
                    text, path));
  }
  const auto most_bytes = std::max(least_bytes, options.max_discovered_nodes * bytes_per_node);
  return std::make_unique<file_source>(std::string(path), most_bytes);
}

}  // namespace weft
