// The members of a JSON-RPC error object.
#pragma once

#include <string_view>

#include "proto/json/json_scanner.hpp"

namespace weft::proto {

/// Raw spans into the text they were read from; empty means absent.
struct error_members {
  std::string_view code;
  std::string_view message;
  std::string_view data;
};

/// Reads the members of an error object; all are empty when the text is no JSON object. Of duplicates the
/// last counts.
error_members read_error_members(const block_readable& error_object) noexcept;

/// The code is an integer and the message a string.
bool is_well_formed(const error_members& members) noexcept;

}  // namespace weft::proto
