#include "node/config/option.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "actors/discovery/source.hpp"
#include "actors/methods/method_pattern.hpp"
#include "actors/transport/address.hpp"
#include "node/config/units.hpp"

namespace weft {
namespace {

using assigned = std::expected<void, std::string>;

struct type_words {
  std::string_view placeholder;
  std::string_view allowed;
};
constexpr type_words words_of_types[] = {
#define WEFT_OPTION_TYPE(name, placeholder, allowed) {placeholder, allowed},
#include "node/config/option_types.inc"
#undef WEFT_OPTION_TYPE
};

assigned out_of_range(const option& row, std::string_view text) {
  return std::unexpected(fmt::format("{} is out of range; use {}", text, range_text(row)));
}

assigned assign_one(const option& row, std::string& member, const std::string& text) {
  if (row.type == option_type::choice && std::ranges::find(row.choices, text) == row.choices.end())
    return std::unexpected(fmt::format("\"{}\" is not allowed; use {}", text, range_text(row)));
  if (row.check) {
    if (std::string complaint = row.check(text); !complaint.empty())
      return std::unexpected(std::move(complaint));
  }
  member = text;
  return {};
}

assigned assign_one(const option&, bool& member, const std::string& text) {
  if (text != "true" && text != "false")
    return std::unexpected(fmt::format("\"{}\" is not a truth value; use true or false", text));
  member = text == "true";
  return {};
}

std::expected<std::uint64_t, std::string> parse_count(const option& row, const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // Out of any range, then.
  if (error == std::errc::result_out_of_range) return std::numeric_limits<std::uint64_t>::max();
  if (error != std::errc{} || end != text.data() + text.size())
    return std::unexpected(fmt::format("\"{}\" is not a whole number; use {}", text, range_text(row)));
  return number;
}

assigned assign_one(const option& row, std::size_t& member, const std::string& text) {
  const auto number = row.type == option_type::size ? parse_size(text) : parse_count(row, text);
  if (!number) return std::unexpected(number.error());
  if (*number < row.min || *number > row.max) return out_of_range(row, text);
  member = *number;
  return {};
}

assigned assign_one(const option& row, double& member, const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) return out_of_range(row, text);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::unexpected(fmt::format("\"{}\" is not a number; use {}", text, range_text(row)));
  // Written so that what is not a number is out of range.
  if (!(number >= 0 && number <= 1)) return out_of_range(row, text);
  member = number;
  return {};
}

/// The member's unit is also that of the row's range, and the finest.
template <class Period>
assigned assign_one(const option& row, std::chrono::duration<std::int64_t, Period>& member,
                    const std::string& text) {
  using Unit = std::chrono::duration<std::int64_t, Period>;
  const auto parsed = parse_duration(text);
  if (!parsed) return std::unexpected(parsed.error());
  const auto whole = std::chrono::floor<Unit>(*parsed);
  if (whole.count() < 0 || static_cast<std::uint64_t>(whole.count()) < row.min || *parsed > Unit{row.max})
    return out_of_range(row, text);
  if (whole != *parsed) {
    constexpr bool fine = std::is_same_v<Unit, microseconds>;
    return std::unexpected(fmt::format("{} is finer than a {}; use whole {} such as {}", text,
                                       fine ? "microsecond" : "millisecond",
                                       fine ? "microseconds" : "milliseconds", fine ? "50us" : "200ms"));
  }
  member = whole;
  return {};
}

template <class Unit>
std::string duration_range(const option& row) {
  return fmt::format("{} to {}", format_duration(Unit{row.min}), format_duration(Unit{row.max}));
}

assigned assign_one(const option&, host_port& member, const std::string& text) {
  auto address = parse_host_port(text);
  if (!address) return std::unexpected(std::move(address.error()));
  member = *std::move(address);
  return {};
}

assigned assign_all(const option&, std::vector<net_address>& member, std::span<const std::string> texts) {
  std::vector<net_address> addresses;
  std::vector<std::string> complaints;
  for (const std::string& text : texts) {
    auto parsed = parse_net_address(text);
    if (!parsed)
      complaints.push_back(std::move(parsed.error()));
    else if (parsed->at.port != 0 &&
             std::ranges::find(addresses, parsed->at, &net_address::at) != addresses.end())
      complaints.push_back(fmt::format("\"{}\" is given twice; give each address once", text));
    else
      addresses.push_back(std::move(*parsed));
  }
  if (texts.empty()) complaints.emplace_back("no address is given; write one such as 127.0.0.1:7400");
  if (!complaints.empty()) return std::unexpected(fmt::format("{}", fmt::join(complaints, "; also ")));
  member = std::move(addresses);
  return {};
}

/// Names that a certificate may have.
assigned assign_names(std::vector<std::string>& member, std::span<const std::string> texts) {
  for (const std::string& text : texts) {
    const bool printable = std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
    if (text.empty() || !printable || text.contains('*')) {
      return std::unexpected(
          fmt::format("{} is no name of a certificate; write a DNS name such as b.example, or a URI such as "
                      "spiffe://mesh/node",
                      nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace)));
    }
  }
  member.assign(texts.begin(), texts.end());
  return {};
}

assigned assign_all(const option& row, std::vector<std::string>& member, std::span<const std::string> texts) {
  if (row.type == option_type::names) return assign_names(member, texts);
  std::vector<std::string> complaints;
  std::set<std::string> names;
  for (const std::string& text : texts) {
    // A source without a name is named by what it is.
    const auto name = text.substr(0, text.find('='));
    if (auto opened = open_source(text, {}); !opened)
      complaints.push_back(std::move(opened.error()));
    else if (!names.insert(name).second)
      complaints.push_back(fmt::format("peer \"{}\" is named twice; give each peer a name of its own", name));
  }
  if (!complaints.empty()) return std::unexpected(fmt::format("{}", fmt::join(complaints, "; also ")));
  member.assign(texts.begin(), texts.end());
  return {};
}

/// What is wrong with the METHOD of a rule, empty when nothing is.
std::string check_rule_pattern(std::string_view pattern) {
  const auto star = pattern.find('*');
  if (star == pattern.npos || pattern == "*" || (is_prefix_pattern(pattern) && star + 1 == pattern.size()))
    return {};
  auto stem = std::string(pattern.substr(0, star));
  while (stem.ends_with('.')) stem.pop_back();
  const auto instead = stem.empty() ? std::string() : fmt::format(", such as {}.*,", stem);
  return fmt::format("\"{}\" is no pattern of methods; use an exact name, prefix.*{} or * for every method",
                     pattern, instead);
}

/// The earlier rule because of which this one would never count, or null.
const method_rule* covering(std::span<const method_rule> earlier, const method_rule& rule) {
  const auto found = std::ranges::find_if(
      earlier, [&](const method_rule& first) { return pattern_covers(first.pattern, rule.pattern); });
  return found == earlier.end() ? nullptr : &*found;
}

assigned assign_all(const option& row, std::vector<method_rule>& member, std::span<const std::string> texts) {
  std::vector<method_rule> rules;
  std::vector<std::string> complaints;
  for (const std::string& text : texts) {
    const auto equals = text.find('=');
    if (equals == text.npos || equals == 0) {
      complaints.push_back(
          fmt::format("\"{}\" is no rule; write {}, METHOD a name, prefix.* or *", text, row.form));
      continue;
    }
    method_rule rule{text.substr(0, equals), text.substr(equals + 1)};
    auto complaint = check_rule_pattern(rule.pattern);
    if (complaint.empty()) complaint = row.check(rule.value);
    if (!complaint.empty()) {
      complaints.push_back(fmt::format("\"{}\": {}", text, complaint));
    } else if (const auto* first = covering(rules, rule)) {
      complaints.push_back(fmt::format(
          "\"{}\" never counts, because \"{}={}\" stands before it and covers all of it; {}", text,
          first->pattern, first->value,
          first->pattern == rule.pattern ? "give each METHOD once" : "put the narrower rule first"));
    } else {
      rules.push_back(std::move(rule));
    }
  }
  if (!complaints.empty()) return std::unexpected(fmt::format("{}", fmt::join(complaints, "; also ")));
  member = std::move(rules);
  return {};
}

template <class T>
nlohmann::json json_of(const option&, const T& member) {
  return member;
}
nlohmann::json json_of(const option& row, const std::size_t& member) {
  return row.type == option_type::size ? nlohmann::json(format_size(member)) : nlohmann::json(member);
}
template <class Period>
nlohmann::json json_of(const option&, const std::chrono::duration<std::int64_t, Period>& member) {
  return format_duration(member);
}
nlohmann::json json_of(const option&, const host_port& member) {
  return format_host_port(member);
}
nlohmann::json json_of(const option&, const std::vector<net_address>& member) {
  if (member.size() == 1) return format_net_address(member.front());
  auto list = nlohmann::json::array();
  for (const net_address& each : member) list.push_back(format_net_address(each));
  return list;
}
nlohmann::json json_of(const option&, const std::vector<method_rule>& member) {
  auto list = nlohmann::json::array();
  for (const method_rule& rule : member) list.push_back(rule.pattern + "=" + rule.value);
  return list;
}

std::string from_key(const option& row, std::string_view prefix, char separator, bool upper) {
  std::string name{prefix};
  for (const char c : row.key) {
    if (c == '.' || c == '_')
      name += separator;
    else
      name += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

}  // namespace

std::string flag_name(const option& row) {
  return row.flag.empty() ? from_key(row, "--", '-', false) : std::string{row.flag};
}

std::string variable_name(const option& row) {
  return from_key(row, "WEFT_", '_', true);
}

std::string placeholder(const option& row) {
  if (row.type == option_type::peers) return source_forms("|");
  if (row.type == option_type::rules) return std::string{row.form};
  return std::string{words_of_types[std::to_underlying(row.type)].placeholder};
}

std::string range_text(const option& row) {
  switch (row.type) {
    case option_type::choice:
      return fmt::format("one of {}", fmt::join(row.choices, ", "));
    case option_type::count:
      return fmt::format("{} to {}", row.min, row.max);
    case option_type::size:
      return fmt::format("{} to {}", format_size(row.min), format_size(row.max));
    case option_type::duration:
      return duration_range<milliseconds>(row);
    case option_type::short_duration:
      return duration_range<microseconds>(row);
    case option_type::peers:
      return fmt::format("any number of {}", source_forms(", "));
    default:
      return std::string{words_of_types[std::to_underlying(row.type)].allowed};
  }
}

assigned assign(const option& row, program_options& options, std::span<const std::string> texts) {
  const auto set = [&](auto get) -> assigned {
    auto& member = get(options);
    if constexpr (requires { assign_all(row, member, texts); }) {
      return assign_all(row, member, texts);
    } else {
      if (texts.size() != 1)
        return std::unexpected(fmt::format("given {} times; give it once", texts.size()));
      return assign_one(row, member, texts.front());
    }
  };
  return std::visit(set, row.member);
}

nlohmann::json value_of(const option& row, program_options options) {
  return std::visit([&](auto get) { return json_of(row, get(options)); }, row.member);
}

}  // namespace weft
