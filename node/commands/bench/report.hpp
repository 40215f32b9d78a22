// The figures of `weft bench`, for people and for programs.
#pragma once

#include <string>

#include "node/commands/bench/idle.hpp"
#include "node/commands/bench/load_generator.hpp"
#include "node/commands/bench/options.hpp"
#include "node/commands/bench/stream_load.hpp"

namespace weft::tools {

/// An open loop kept up when it sent at least 99 % of what was due.
bool kept_up(const bench_options& options, const load_result& result);

std::string progress_line(const load_progress& progress);
std::string text_report(const bench_options& options, const load_result& result);
/// One JSON object; every figure has its unit in its name.
std::string json_report(const bench_options& options, const load_result& result);

std::string progress_line(const stream_progress& progress);
std::string text_report(const bench_options& options, const stream_result& result);
std::string json_report(const bench_options& options, const stream_result& result);

std::string text_report(const bench_options& options, const idle_result& result);
std::string json_report(const bench_options& options, const idle_result& result);

}  // namespace weft::tools
