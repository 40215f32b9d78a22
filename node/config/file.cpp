// Configuration files: JSON with comments, walked along the rows of the table.
#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "node/config/json_file.hpp"
#include "node/config/nearest.hpp"
#include "node/config/sources.hpp"

namespace weft {
namespace {

using nlohmann::json;

/// Deeper than any section: what nests further is reported as one unknown key instead of being walked.
constexpr int max_walk_depth = 4;

std::string_view example_of(option_type list) {
  switch (list) {
    case option_type::listeners:
      return R"(["127.0.0.1:7400", "tls://0.0.0.0:7443"])";
    case option_type::peers:
      return R"(["b=127.0.0.1:7401"])";
    case option_type::names:
      return R"(["b.example"])";
    default:
      return R"(["users.*=least_requests"])";
  }
}

/// What the value of a row must be in the file, or nothing when it is that.
std::string type_complaint(const option& row, const json& value) {
  const auto complain = [&](std::string_view wanted) {
    return fmt::format("is {} {}; write {}", value.is_object() || value.is_array() ? "an" : "a",
                       value.type_name(), wanted);
  };
  switch (row.type) {
    case option_type::boolean:
      return value.is_boolean() ? "" : complain("true or false");
    case option_type::count:
      return value.is_number_integer() ? "" : complain("a whole number without quotes");
    case option_type::ratio:
      return value.is_number() ? "" : complain("a number without quotes");
    case option_type::size:
      if (value.is_number())
        return fmt::format("{} has no unit; write a string such as \"1MiB\"", value.dump());
      return value.is_string() ? "" : complain("a string such as \"1MiB\"");
    case option_type::duration:
    case option_type::short_duration:
      if (value.is_number())
        return fmt::format("{} has no unit; write a string such as \"200ms\"", value.dump());
      return value.is_string() ? "" : complain("a string such as \"200ms\"");
    case option_type::listeners:
      if (value.is_string()) return "";
      if (!value.is_array()) return complain("a string such as \"127.0.0.1:7400\", or an array of several");
      [[fallthrough]];
    case option_type::peers:
    case option_type::names:
    case option_type::rules: {
      const auto example = example_of(row.type);
      if (!value.is_array()) return complain(fmt::format("an array of strings such as {}", example));
      if (!std::ranges::all_of(value, [](const json& item) { return item.is_string(); }))
        return fmt::format("is an array with something else than strings; write {}", example);
      return "";
    }
    default:
      return value.is_string() ? "" : complain("a string");
  }
}

std::vector<std::string> texts_of(const json& value) {
  if (value.is_array()) return value.get<std::vector<std::string>>();
  return {value.is_string() ? value.get<std::string>() : value.dump()};
}

class file_walk {
 public:
  file_walk(std::string origin, std::span<const option> table, given& result)
      : origin_{std::move(origin)}, table_{table}, result_{result} {}

  void visit(const json& object, const std::string& prefix, int depth) {
    for (const auto& [name, value] : object.items()) {
      const std::string key = prefix + name;
      const auto row = std::ranges::find(table_, key, &option::key);
      if (row != table_.end())
        take(*row, value);
      else if (value.is_object() && (is_section(key) || (!value.empty() && depth < max_walk_depth)))
        visit(value, key + '.', depth + 1);
      else if (is_section(key))
        complain(key, fmt::format("is a {}; write an object with the section's keys", value.type_name()));
      else
        complain(key, "is unknown" + nearest_key(key));
    }
  }

 private:
  void take(const option& row, const json& value) {
    const std::string key{row.key};
    if (std::string complaint = type_complaint(row, value); !complaint.empty())
      complain(key, complaint);
    else
      result_.values.push_back(
          {&row, texts_of(value), origin_, fmt::format("{}, {}", origin_, json_text(key))});
  }

  void complain(const std::string& key, std::string_view what) {
    result_.errors.push_back(fmt::format("{}: {} {}", origin_, json_text(key), what));
  }

  bool is_section(const std::string& key) const {
    return std::ranges::any_of(table_, [&](const option& row) { return row.key.starts_with(key + '.'); });
  }

  /// Behind "is unknown".
  std::string nearest_key(const std::string& key) const {
    std::vector<std::string> known;
    for (const option& row : table_) known.emplace_back(row.key);
    const auto near = near_name(key, known);
    return near.empty() ? std::string("; `weft node --print-reference` lists the keys")
                        : fmt::format("; the nearest known key is \"{}\"", near);
  }

  std::string origin_;
  std::span<const option> table_;
  given& result_;
};

}  // namespace

given values_of_file(const config_text& file, std::span<const option> table) {
  given result;
  const std::string origin = fmt::format("file {}", json_text(file.name));
  const auto document = parse_json_file(file.text, origin, result.errors);
  if (document.is_discarded()) return result;
  if (!document.is_object())
    result.errors.push_back(fmt::format("{}: is a JSON {}; write an object", origin, document.type_name()));
  else
    file_walk{origin, table, result}.visit(document, "", 0);
  return result;
}

}  // namespace weft
