#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "weft/detail/arguments.hpp"
#include "weft/detail/method_entry.hpp"
#include "weft/pending.hpp"

namespace weft::detail {
namespace {

std::string shown(const json& value) {
  constexpr std::size_t enough = 60;
  auto text = to_text(value);
  if (text.size() <= enough) return text;
  text.resize(enough);
  // Not inside of a character.
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0U) == 0x80U) text.pop_back();
  if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xC0U) text.pop_back();
  return text + "…";
}

[[noreturn]] void refuse_registration(const std::string& method, const std::string& why) {
  throw std::invalid_argument(fmt::format("method '{}': {}", method, why));
}

}  // namespace

std::string to_text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::expected<json, error> parse(std::string_view raw_result) {
  if (raw_result.empty()) return json(nullptr);
  auto parsed = json::parse(raw_result, nullptr, false);
  if (parsed.is_discarded())
    return std::unexpected(error(error_code::internal_error, "the result holds a number out of range"));
  return parsed;
}

mismatch mismatch::inside(std::string_view outer) && {
  if (where.empty()) {
    where = outer;
  } else {
    where = where.starts_with('[') ? fmt::format("{}{}", outer, where) : fmt::format("{}.{}", outer, where);
  }
  return std::move(*this);
}

std::string mismatch::text(std::string_view self) const {
  return where.empty() ? fmt::format("{} {}", self, what) : fmt::format("'{}' {}", where, what);
}

mismatch wrong(std::string_view wanted, const json& came) {
  return {{}, fmt::format("is {}, not {}", wanted, shown(came))};
}

signature::signature(std::string method, std::vector<parameter> parameters, std::vector<std::string> names,
                     const json& defaults, bool may_be_whole)
    : method_(std::move(method)), parameters_(std::move(parameters)) {
  whole_ = may_be_whole && names.empty();
  if (!whole_ && names.size() != parameters_.size()) {
    refuse_registration(method_, fmt::format("its function takes {} arguments, and .params names {}",
                                             parameters_.size(), names.size()));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty() || std::ranges::count(names, names[i]) > 1)
      refuse_registration(method_, "each of .params needs a name of its own");
    parameters_[i].name = names[i];
  }
  for (const auto& [name, value] : defaults.items()) {
    const auto found = std::ranges::find(parameters_, name, &parameter::name);
    if (name.empty() || found == parameters_.end())
      refuse_registration(method_, fmt::format(".defaults names '{}', which .params does not", name));
    // Else every caller that leaves it to the default would be blamed for it.
    if (auto unfit = found->check(value))
      refuse_registration(method_, fmt::format(".defaults: {}", std::move(*unfit).inside(name).text({})));
    found->fallback = value;
  }
}

json signature::describe() const {
  auto list = json::array();
  if (whole_) {
    const auto& of = parameters_.front().schema;
    const auto properties = of.find("properties");
    // Any members: a list would say that there are none.
    if (properties == of.end()) return of;
    const auto required = of.value("required", json::array());
    for (const auto& [name, schema] : properties->items()) {
      const bool needed = std::find(required.begin(), required.end(), json(name)) != required.end();
      list.push_back({{"name", name}, {"required", needed}, {"schema", schema}});
    }
    return list;
  }
  for (const auto& each : parameters_) {
    json described = {
        {"name", each.name}, {"required", !each.optional && !each.fallback}, {"schema", each.schema}};
    if (each.fallback) described["schema"]["default"] = *each.fallback;
    list.push_back(std::move(described));
  }
  return list;
}

std::string signature::shape() const {
  if (whole_) return parameters_.front().word;
  if (parameters_.empty()) return "no params";
  std::string text = "{";
  for (const auto& each : parameters_) {
    if (text.size() > 1) text += ", ";
    text += fmt::format("\"{}\"{}: {}", each.name, each.optional || each.fallback ? "?" : "", each.word);
  }
  return text + "}, or the same in an array";
}

void refuse_resumable(std::string_view method) {
  throw std::invalid_argument(
      fmt::format("method '{}': .resumable is for a generator of items with cursors, "
                  "weft::async_generator<weft::item<…>>",
                  method));
}

error wrong_cursor(const mismatch& what) {
  return error(error_code::invalid_params, "{}", what.text("the cursor to go on after"));
}

error signature::refuse(std::string_view what) const {
  return error(error_code::invalid_params, "{}: {}; it takes {}", method_, what, shape());
}

error signature::refuse(std::size_t index, const mismatch& what) const {
  if (whole_) return error(error_code::invalid_params, "{}: {}", method_, what.text("params"));
  auto named = what;
  return error(error_code::invalid_params, "{}: {}", method_,
               std::move(named).inside(parameters_[index].name).text({}));
}

error signature::refuse_cursor() const {
  return error(error_code::invalid_params,
               "{}: it cannot go on behind a cursor, since it is not resumable; leave out 'after'", method_);
}

std::expected<std::vector<const json*>, error> signature::arrange(const json& params) const {
  static const json empty_object = json::object();
  if (whole_) return std::vector<const json*>{params.is_null() ? &empty_object : &params};
  std::vector<const json*> values(parameters_.size(), nullptr);
  if (params.is_array()) {
    if (params.size() > values.size())
      return std::unexpected(refuse(fmt::format("{} params came", params.size())));
    for (std::size_t i = 0; i < params.size(); ++i) values[i] = &params[i];
  } else if (params.is_object()) {
    for (const auto& [name, value] : params.items()) {
      const auto found = std::ranges::find(parameters_, name, &parameter::name);
      if (found == parameters_.end())
        return std::unexpected(refuse(fmt::format("'{}' is no parameter of it", name)));
      values[static_cast<std::size_t>(found - parameters_.begin())] = &value;
    }
  } else if (!params.is_null()) {
    return std::unexpected(refuse(fmt::format("params are an object or an array, not {}", shown(params))));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto& each = parameters_[i];
    if (values[i] == nullptr && each.fallback) values[i] = &*each.fallback;
    if (values[i] == nullptr && !each.optional)
      return std::unexpected(refuse(fmt::format("'{}' is missing, {}", each.name, each.word)));
  }
  return values;
}

}  // namespace weft::detail
