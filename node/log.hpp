// The program's log: lines on standard error, as text or as JSON.
//
// Thread safety: a logger may be used, and its level changed, from any thread. A line never spans lines:
// control characters in a message are escaped in both formats, so that what a client sends cannot forge an
// entry.
#pragma once

#include <array>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include <spdlog/spdlog.h>

namespace weft {

inline constexpr std::array<std::string_view, 7> log_level_names = {"trace", "debug",    "info", "warn",
                                                                    "error", "critical", "off"};
inline constexpr std::array<std::string_view, 2> log_format_names = {"text", "json"};

struct log_options {
  /// One of `log_level_names`.
  std::string level = "info";
  /// One of `log_format_names`.
  std::string format = "text";
};

/// A logger that is not registered with spdlog. Without a sink it writes to standard error.
std::shared_ptr<spdlog::logger> make_logger(const log_options& options, spdlog::sink_ptr sink = nullptr);

std::string_view log_level(const spdlog::logger& log);

/// Refuses an unknown level with a sentence that lists the known ones.
std::expected<void, std::string> set_log_level(spdlog::logger& log, std::string_view level);

}  // namespace weft
