// What a service says of itself with `connect`: which methods it serves, and how they may be called.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "actors/config/options.hpp"

namespace weft {

/// JSON that is passed on and never looked into; copies share it.
class shared_json {
 public:
  shared_json() = default;
  /// A null value makes none.
  explicit shared_json(const nlohmann::json& value);

  explicit operator bool() const noexcept { return text_ != nullptr; }
  /// "null" when there is none.
  std::string_view text() const noexcept { return text_ ? std::string_view(*text_) : "null"; }
  std::size_t bytes() const noexcept { return text_ ? text_->size() : 0; }

  friend bool operator==(const shared_json& a, const shared_json& b) noexcept { return a.text() == b.text(); }

 private:
  std::shared_ptr<const std::string> text_;
};

struct served_method {
  /// A method's exact name, or `prefix.*` for every method that begins with `prefix.`.
  std::string pattern;
  bool idempotent = false;
  /// Calls that one instance takes at a time; 0 leaves it to the other limits.
  std::uint32_t max_in_flight = 0;
  /// JSON schemas for `rpc.discover`.
  shared_json params;
  shared_json result;
  /// It answers with a stream of items, of this schema, and takes values of that one meanwhile.
  bool stream = false;
  shared_json item{};
  shared_json input{};
  /// Asked for the items behind a cursor that it has told, it goes on there.
  bool resumable = false;

  std::size_t schema_bytes() const noexcept {
    return params.bytes() + result.bytes() + item.bytes() + input.bytes();
  }
  friend bool operator==(const served_method&, const served_method&) = default;
};

struct service_declaration {
  std::string name;
  std::string instance;
  std::vector<served_method> serves;
};

/// What an entry with further members is: a client's is a mistake, another node may be newer than this one.
enum class further_members : std::uint8_t { refused, ignored };

/// Why a declaration is not taken: the sentence names what was wrong and what would be right.
struct declaration_fault {
  enum class limit : std::uint8_t { none, served_methods, schema_bytes, connect_bytes };

  // A sentence alone is a fault of no limit.
  declaration_fault(std::string what, limit hit = limit::none) : sentence(std::move(what)), over(hit) {}

  std::string sentence;
  limit over;
};

/// Reads `serves`.
std::expected<std::vector<served_method>, declaration_fault> parse_serves(const nlohmann::json& serves,
                                                                          const limit_options& limits,
                                                                          further_members further);
/// One entry in the form that `parse_serves` reads, with the number of instances that serve it: so nodes tell
/// each other their methods.
std::string to_json(const served_method& method, std::uint32_t instances);

}  // namespace weft
