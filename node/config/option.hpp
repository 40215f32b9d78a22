// One configuration option: a row of the table that the flag, the environment variable, the file key, the
// default, the check and the reference page all come from.
//
// The default is the member's initializer in `program_options`; it is stated nowhere else. Rows and the
// functions here hold no state and may be used from any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "node/config/program_options.hpp"

namespace weft {

enum class option_type : std::uint8_t {
#define WEFT_OPTION_TYPE(name, placeholder, allowed) name,
#include "node/config/option_types.inc"
#undef WEFT_OPTION_TYPE
};

template <class T>
using member_of = T& (*)(program_options&);
/// Where the value lives; the alternative agrees with the row's `option_type`.
using option_member = std::variant<member_of<std::string>, member_of<bool>, member_of<std::size_t>,
                                   member_of<double>, member_of<milliseconds>, member_of<microseconds>,
                                   member_of<host_port>, member_of<std::vector<net_address>>,
                                   member_of<std::vector<std::string>>, member_of<std::vector<method_rule>>>;

struct option {
  /// As in a configuration file: "section.name" or "name".
  std::string_view key;
  option_type type;
  // Initialized, since clang warns about rows that leave them out otherwise.
  // NOLINTBEGIN(readability-redundant-member-init)
  /// Shown as "<redacted>".
  bool secret = false;
  option_member member;
  /// Smallest and largest count, bytes, milliseconds or microseconds.
  std::uint64_t min = 0;
  std::uint64_t max = 0;
  /// What a `choice` may be.
  std::span<const std::string_view> choices{};
  /// A `text`'s, `url`'s or rule value's own check: returns the complaint, empty when the value is fine.
  std::string (*check)(std::string_view) = nullptr;
  /// The flag where it is not made from the key.
  std::string_view flag{};
  /// What a list's texts look like.
  std::string_view form{};
  // NOLINTEND(readability-redundant-member-init)
  std::string_view help;
};

/// Takes any number of texts.
inline bool is_list(const option& row) noexcept {
  return row.type == option_type::peers || row.type == option_type::rules ||
         row.type == option_type::listeners || row.type == option_type::names;
}

/// "--limits-frame-bytes"
std::string flag_name(const option& row);
/// "WEFT_LIMITS_FRAME_BYTES"
std::string variable_name(const option& row);
/// What a value looks like, for help texts: "HOST:PORT", "DURATION", …
std::string placeholder(const option& row);
/// The allowed values as a phrase: "64B to 1GiB".
std::string range_text(const option& row);

/// Sets the member from its text (several texts for a list). On failure the sentence says what was wrong and
/// what would be right, and the member is left as it was.
std::expected<void, std::string> assign(const option& row, program_options& options,
                                        std::span<const std::string> texts);

/// The value as a configuration file would have it. Secrets are not redacted here.
nlohmann::json value_of(const option& row, program_options options);

}  // namespace weft
