// The line of a call in the program's log: members of the line's object in JSON, key=value in text.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <spdlog/spdlog.h>

#include "actors/telemetry/call_record.hpp"

namespace weft {

inline constexpr std::array<std::string_view, 3> call_log_names = {"off", "errors", "all"};

/// What a line of a call is logged as; the JSON format takes such a message as members of its object.
inline constexpr std::string_view call_logger = "call";

/// Writes calls to `log`'s sinks, at the level warn when they failed, else at info. `format` is one of
/// `log_format_names`, the one that the sinks have; `node` is this node's name. May be called from any
/// thread.
std::function<void(const call_record&)> make_call_log(std::shared_ptr<spdlog::logger> log,
                                                      std::string_view format, std::string node);

}  // namespace weft
