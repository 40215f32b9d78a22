// The program's log: lines on standard error, as text or as JSON.
//
// Thread safety: a logger may be used, and its level changed, from any thread. A line never spans lines:
// what could forge or hide an entry is escaped in both formats (`printable.hpp`), whoever sent it.
#pragma once

#include <array>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include <spdlog/spdlog.h>

#include "node/logging/line_writer.hpp"

namespace weft {

inline constexpr std::array<std::string_view, 7> log_level_names = {"trace", "debug",    "info", "warn",
                                                                    "error", "critical", "off"};
inline constexpr std::array<std::string_view, 2> log_format_names = {"text", "json"};

struct log_options {
  /// One of `log_level_names`.
  std::string level = "info";
  /// One of `log_format_names`.
  std::string format = "text";
  /// Lines that may wait for whoever reads standard error.
  std::size_t queue_bytes = std::size_t{1} << 20;
};

/// Queues lines for `writer`, and says so in a line of its own once there is room again after some were
/// dropped.
spdlog::sink_ptr make_queued_sink(std::shared_ptr<line_writer> writer);

/// A logger that is not registered with spdlog. Without a sink it writes to standard error, as a queued one.
std::shared_ptr<spdlog::logger> make_logger(const log_options& options, spdlog::sink_ptr sink = nullptr);

std::string_view log_level(const spdlog::logger& log);

/// Refuses an unknown level with a sentence that lists the known ones.
std::expected<void, std::string> set_log_level(spdlog::logger& log, std::string_view level);

}  // namespace weft
