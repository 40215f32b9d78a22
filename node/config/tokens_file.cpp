#include "node/config/tokens_file.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <string_view>
#include <unordered_set>

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
const std::array<std::string, 12> identity_members = {
    "name", "token", "token_sha256",     "san",       "node",        "serve",
    "call", "admin", "calls_per_second", "in_flight", "connections", "bytes_per_second"};
const std::array<std::string, 2> rate_members = {"rate", "burst"};
/// What a token that is being replaced needs, and some more.
constexpr std::size_t most_tokens = 8;
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
    if (!names_.insert(who.name).second)
      complain(where, "stands twice; give each identity a name of its own");
    check_members(where, entry, identity_members);
    read_token(where, entry, who);
    if (const auto node = entry.find("node"); node != entry.end()) {
      if (!node->is_boolean()) complain(where, "\"node\" is true or false");
      who.node = *node == true;
    }
    read_admin(where, entry, who);
    read_quota(where, entry, who.quota);
    who.serve = read_methods(where, entry, "serve");
    who.call = read_methods(where, entry, "call");
    identities.push_back(std::move(who));
  }

  void read_token(const std::string& where, const json& entry, identity& who) {
    if (!entry.contains("token") && !entry.contains("token_sha256") && !entry.contains("san"))
      return complain(where, "needs \"token\", \"token_sha256\" or \"san\"");
    for (const auto& token : texts_of(where, entry, "token")) {
      if (auto wrong = check_token(token); !wrong.empty())
        complain(where, wrong);
      else
        add_digest(where, digest_of(token), who);
    }
    for (const auto& hex : texts_of(where, entry, "token_sha256")) {
      token_digest digest{};
      if (read_hex(hex, digest)) {
        add_digest(where, digest, who);
      } else {
        complain(where,
                 "\"token_sha256\" is 64 lower-case hexadecimal digits: "
                 "printf %s \"$TOKEN\" | sha256sum");
      }
    }
    for (auto& san : texts_of(where, entry, "san")) add_san(where, std::move(san), who);
  }

  /// One string or several.
  std::vector<std::string> texts_of(const std::string& where, const json& entry, const char* member) {
    const auto found = entry.find(member);
    if (found == entry.end()) return {};
    if (found->is_string()) return {found->get<std::string>()};
    const bool strings =
        found->is_array() && std::ranges::all_of(*found, [](const json& each) { return each.is_string(); });
    if (strings && !found->empty() && found->size() <= most_tokens)
      return found->get<std::vector<std::string>>();
    complain(where, fmt::format("\"{}\" is a string, or an array of 1 to {} strings", member, most_tokens));
    return {};
  }

  void add_digest(const std::string& where, const token_digest& digest, identity& who) {
    const auto [known, added] = tokens_.emplace(digest, who.name);
    if (added)
      who.digests.push_back(digest);
    else if (known->second == who.name)
      complain(where, "has one token twice");
    else
      complain(where, fmt::format("has the token of {}; give each identity a token of its own",
                                  json_text(known->second)));
  }

  void add_san(const std::string& where, std::string san, identity& who) {
    const bool printable = std::ranges::all_of(san, [](char c) { return c > ' ' && c <= '~'; });
    if (san.empty() || !printable || san.contains('*')) {
      return complain(where, fmt::format("\"san\": {} is no name of a certificate; write a DNS name such as "
                                         "orders.example, or a URI such as spiffe://mesh/orders",
                                         json_text(san)));
    }
    const auto [known, added] = sans_.emplace(san, who.name);
    if (added)
      who.sans.push_back(std::move(san));
    else
      complain(where, fmt::format("has the san {}, as {} has; give each identity names of its own",
                                  json_text(san), json_text(known->second)));
  }

  void read_admin(const std::string& where, const json& entry, identity& who) {
    const auto found = entry.find("admin");
    if (found == entry.end()) return;
    if (*found == "read")
      who.admin = admin_right::read;
    else if (*found == "write")
      who.admin = admin_right::write;
    else
      complain(where, "\"admin\" is \"read\" or \"write\"");
  }

  void read_quota(const std::string& where, const json& entry, quota_limits& quota) {
    if (const auto rate = entry.find("calls_per_second"); rate != entry.end() && rate->is_object()) {
      const std::string within = where + ": \"calls_per_second\"";
      check_members(within, *rate, rate_members);
      quota.calls_per_second = read_positive(within, *rate, "rate");
      if (!rate->contains("rate"))
        complain(within, "needs \"rate\", the calls a second; \"burst\" alone limits nothing");
      quota.burst = read_positive(within, *rate, "burst");
    } else {
      quota.calls_per_second = read_positive(where, entry, "calls_per_second");
    }
    // A second's worth, but one call at least.
    if (quota.burst == 0) quota.burst = std::max(1.0, quota.calls_per_second);
    quota.bytes_per_second = read_positive(where, entry, "bytes_per_second");
    quota.in_flight = read_count(where, entry, "in_flight");
    quota.connections = read_count(where, entry, "connections");
  }

  double read_positive(const std::string& where, const json& entry, const char* member) {
    const auto found = entry.find(member);
    if (found == entry.end()) return 0;
    const double number = found->is_number() ? found->get<double>() : 0;
    if (number >= 0.001 && number <= 1e12) return number;
    complain(where, fmt::format("\"{}\" is a number from 0.001 to 1e12", member));
    return 0;
  }

  std::size_t read_count(const std::string& where, const json& entry, const char* member) {
    const auto found = entry.find(member);
    if (found == entry.end()) return 0;
    const auto number = found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
    if (number > 0 && number <= 1'000'000'000) return number;
    complain(where, fmt::format("\"{}\" is a whole number from 1 to 1000000000", member));
    return 0;
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
  std::unordered_set<std::string> names_;
  /// Whose they are.
  std::map<token_digest, std::string> tokens_;
  std::map<std::string, std::string> sans_;
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

std::expected<std::shared_ptr<const access_policy>, std::vector<std::string>> read_tokens_file(
    const std::string& path) {
  auto text = read_secret_file(path);
  if (!text) return std::unexpected(std::vector{"auth.tokens_file: " + text.error()});
  return parse_tokens_file({path, *std::move(text)});
}

std::vector<std::string> load_auth_files(program_options& options) {
  std::vector<std::string> errors;
  if (const auto& path = options.auth.tokens; !path.empty()) {
    if (auto policy = read_tokens_file(path))
      options.node.auth.policy = *std::move(policy);
    else
      std::ranges::move(policy.error(), std::back_inserter(errors));
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
