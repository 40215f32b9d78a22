// Standard input, output and error of the process.
//
// Thread safety: `open_standard_descriptors` before any other thread starts; the rest from any thread.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace weft {

/// Fills descriptors 0 to 2 that the process was started without, so that no socket or file takes their place
/// and gets what is printed. Writing to such a descriptor fails.
void open_standard_descriptors() noexcept;

/// Flushes standard output; the error says that, and why, something printed did not arrive.
std::expected<void, std::string> flush_standard_output();

/// Writes `PROGRAM: WHAT` to standard error, with what a terminal would obey escaped. Where that cannot be
/// written nobody can be told.
void print_error(std::string_view program, std::string_view what) noexcept;

}  // namespace weft
