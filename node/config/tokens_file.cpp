#include "node/config/tokens_file.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "actors/methods/declaration.hpp"
#include "actors/methods/method_pattern.hpp"
#include "actors/service/service_host.hpp"
#include "actors/transport/address.hpp"
#include "node/config/json_file.hpp"
#include "node/config/nearest.hpp"
#include "node/process/file_text.hpp"

namespace weft {
namespace {

using nlohmann::json;

/// What everyone may call when the file does not say: what tells that a node is there and what it can do.
constexpr std::array<std::string_view, 2> open_methods = {"mesh.health", "rpc.discover"};

const std::array<std::string, 2> file_members = {"identities", "everyone"};
const std::array<std::string, 6> identity_members = {"name", "token", "token_sha256",
                                                     "node", "serve", "call"};
const std::array<std::string, 2> everyone_members = {"serve", "call"};

bool read_hex(std::string_view hex, token_digest& digest) {
  constexpr std::string_view digits = "0123456789abcdef";
  if (hex.size() != 2 * digest.size()) return false;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const auto high = digits.find(hex[2 * i]);
    const auto low = digits.find(hex[2 * i + 1]);
    if (high == digits.npos || low == digits.npos) return false;
    digest[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

std::string check_pattern(std::string_view pattern, bool to_serve) {
  const auto star = pattern.find('*');
  if (pattern.empty() || (star != pattern.npos && pattern != "*" &&
                          (star != pattern.size() - 1 || !is_prefix_pattern(pattern)))) {
    return fmt::format("{} is no method; write a name such as users.get, users.* or *", json_text(pattern));
  }
  if (to_serve && is_reserved_method(pattern))
    return fmt::format("{} belongs to the node, nobody else can serve it", json_text(pattern));
  return {};
}

class reading {
 public:
  explicit reading(std::string origin) : origin_{std::move(origin)} {}

  void read(const json& document) {
    if (!document.is_object()) return complain(origin_, "is no object; write {\"identities\": […]}");
    check_members(origin_, document, file_members);
    if (const auto found = document.find("everyone"); found != document.end())
      read_everyone(*found);
    else
      everyone.call = open_set();
    const auto found = document.find("identities");
    if (found == document.end() || !found->is_array())
      return complain(origin_, "has no array \"identities\"; write \"identities\": [{\"name\": …}]");
    for (const json& entry : *found) read_identity(entry);
  }

  std::vector<identity> identities;
  identity everyone;
  std::vector<std::string> errors;

 private:
  static method_set open_set() { return method_set({open_methods.begin(), open_methods.end()}); }

  void read_everyone(const json& entry) {
    const std::string where = origin_ + ": \"everyone\"";
    if (!entry.is_object()) return complain(where, "is no object; write {\"call\": […]}");
    check_members(where, entry, everyone_members);
    everyone.serve = read_methods(where, entry, "serve");
    everyone.call = entry.contains("call") ? read_methods(where, entry, "call") : open_set();
  }

  void read_identity(const json& entry) {
    const auto number = ++entries_;
    const std::string nth = fmt::format("{}: identity {}", origin_, number);
    if (!entry.is_object()) return complain(nth, "is no object; write {\"name\": …, \"token\": …}");
    if (!entry.contains("name") || !entry["name"].is_string())
      return complain(nth, "has no \"name\"; give it one for messages and pages");
    identity who;
    who.name = entry["name"].get<std::string>();
    const std::string where = fmt::format("{}: identity {}", origin_, json_text(who.name));
    if (auto wrong = check_node_name(who.name); !wrong.empty()) complain(nth, "has a bad name: " + wrong);
    if (std::ranges::find(identities, who.name, &identity::name) != identities.end())
      complain(where, "stands twice; give each identity a name of its own");
    check_members(where, entry, identity_members);
    read_token(where, entry, who);
    if (const auto node = entry.find("node"); node != entry.end()) {
      if (!node->is_boolean()) complain(where, "\"node\" is true or false");
      who.node = *node == true;
    }
    who.serve = read_methods(where, entry, "serve");
    who.call = read_methods(where, entry, "call");
    identities.push_back(std::move(who));
  }

  void read_token(const std::string& where, const json& entry, identity& who) {
    const auto plain = entry.find("token");
    const auto hashed = entry.find("token_sha256");
    if ((plain == entry.end()) == (hashed == entry.end()))
      return complain(where, "needs either \"token\" or \"token_sha256\"");
    if (plain != entry.end()) {
      if (!plain->is_string()) return complain(where, "\"token\" is a string");
      const auto token = plain->get<std::string>();
      if (auto wrong = check_token(token); !wrong.empty()) return complain(where, wrong);
      who.digest = digest_of(token);
    } else if (!hashed->is_string() || !read_hex(hashed->get<std::string>(), who.digest)) {
      return complain(where,
                      "\"token_sha256\" is 64 lower-case hexadecimal digits: "
                      "printf %s \"$TOKEN\" | sha256sum");
    }
    const auto [known, added] = tokens_.emplace(who.digest, who.name);
    if (!added)
      complain(where, fmt::format("has the token of {}; give each identity a token of its own",
                                  json_text(known->second)));
  }

  method_set read_methods(const std::string& where, const json& entry, const char* member) {
    const auto found = entry.find(member);
    method_set methods;
    if (found == entry.end()) return methods;
    const bool strings =
        found->is_array() && std::ranges::all_of(*found, [](const json& each) { return each.is_string(); });
    if (!strings) {
      complain(where, fmt::format("\"{}\" is an array of methods such as [\"users.*\"]", member));
      return methods;
    }
    for (const json& each : *found) {
      const auto pattern = each.get<std::string>();
      if (auto wrong = check_pattern(pattern, member == std::string_view("serve")); !wrong.empty())
        complain(where, fmt::format("\"{}\": {}", member, wrong));
      else
        methods.add(pattern);
    }
    return methods;
  }

  /// A misspelt member would silently take a right away, or give one.
  void check_members(const std::string& where, const json& object, std::span<const std::string> known) {
    for (const auto& [name, value] : object.items()) {
      if (std::ranges::find(known, name) == known.end())
        complain(where, fmt::format("{} is unknown; {}", json_text(name), right_member(name, known)));
    }
  }

  static std::string right_member(std::string_view name, std::span<const std::string> known) {
    if (const auto near = near_name(name, known); !near.empty())
      return fmt::format("the nearest known member is \"{}\"", near);
    return fmt::format("there are {}", fmt::join(known, ", "));
  }

  void complain(const std::string& where, std::string_view what) {
    errors.push_back(fmt::format("{}: {}", where, what));
  }

  std::string origin_;
  std::size_t entries_ = 0;
  /// Whose they are.
  std::map<token_digest, std::string> tokens_;
};

}  // namespace

std::expected<std::shared_ptr<const access_policy>, std::vector<std::string>> parse_tokens_file(
    const config_text& file) {
  const std::string origin = fmt::format("auth.tokens_file {}", json_text(file.name));
  reading read{origin};
  const auto document = parse_json_file(file.text, origin, read.errors);
  if (!document.is_discarded()) read.read(document);
  if (!read.errors.empty()) return std::unexpected(std::move(read.errors));
  return std::make_shared<const access_policy>(std::move(read.identities), std::move(read.everyone));
}

std::vector<std::string> load_auth_files(program_options& options) {
  std::vector<std::string> errors;
  if (const auto& path = options.auth.tokens; !path.empty()) {
    auto text = read_secret_file(path);
    if (!text) {
      errors.push_back("auth.tokens_file: " + text.error());
    } else if (auto policy = parse_tokens_file({path, *std::move(text)})) {
      options.node.auth.policy = *std::move(policy);
    } else {
      std::ranges::move(policy.error(), std::back_inserter(errors));
    }
  }
  if (const auto& path = options.auth.peer_token; !path.empty()) {
    auto token = read_token_file(path);
    if (token)
      options.node.auth.peer_token = *std::move(token);
    else
      errors.push_back("auth.peer_token_file: " + token.error());
  }
  return errors;
}

}  // namespace weft
