#include "node/logging/log.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <spdlog/formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include "node/logging/call_log.hpp"
#include "node/logging/printable.hpp"

namespace weft {
namespace {

using log_msg = spdlog::details::log_msg;
using spdlog::memory_buf_t;

std::string_view view(spdlog::string_view_t text) {
  return {text.data(), text.size()};
}

std::string_view level_name(spdlog::level::level_enum level) {
  return log_level_names[std::min<std::size_t>(level, log_level_names.size() - 1)];
}

/// UTC, microseconds: lines of several nodes sort into one order.
void append_time(memory_buf_t& out, spdlog::log_clock::time_point time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time - seconds).count();
  fmt::format_to(std::back_inserter(out), "{:%Y-%m-%dT%H:%M:%S}.{:06}Z",
                 fmt::gmtime(spdlog::log_clock::to_time_t(seconds)), micros);
}

class json_formatter final : public spdlog::formatter {
 public:
  void format(const log_msg& msg, memory_buf_t& out) override {
    out.append(std::string_view{R"({"ts":")"});
    append_time(out, msg.time);
    fmt::format_to(std::back_inserter(out), R"(","level":"{}","logger":{},)", level_name(msg.level),
                   quoted(view(msg.logger_name)));
    // A call's line brings members of the object, and its closing brace.
    if (view(msg.logger_name) == call_logger)
      out.append(printable_json(view(msg.payload)));
    else
      fmt::format_to(std::back_inserter(out), R"("msg":{}}})", quoted(view(msg.payload)));
    out.push_back('\n');
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<json_formatter>(); }

 private:
  static std::string quoted(std::string_view text) {
    return printable_json(
        nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
};

class text_formatter final : public spdlog::formatter {
 public:
  void format(const log_msg& msg, memory_buf_t& out) override {
    append_time(out, msg.time);
    fmt::format_to(std::back_inserter(out), " {:<8} {}: ", level_name(msg.level), view(msg.logger_name));
    out.append(printable(view(msg.payload)));
    out.push_back('\n');
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<text_formatter>(); }
};

class queued_sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit queued_sink(std::shared_ptr<line_writer> writer) : writer_{std::move(writer)} {}

 private:
  void sink_it_(const log_msg& msg) override {
    const auto dropped = writer_->dropped_full() + writer_->dropped_failed();
    if (dropped != told_) {
      const auto text = fmt::format(
          "{} lines of the log were dropped: standard error did not take them in time, or at all; see "
          "weft_log_lines_dropped_total and log.queue_bytes",
          dropped - told_);
      if (add(log_msg{"weft", spdlog::level::warn, text})) told_ = dropped;
    }
    add(msg);
  }
  void flush_() override {}

  bool add(const log_msg& msg) {
    memory_buf_t line;
    formatter_->format(msg, line);
    return writer_->add(fmt::to_string(line));
  }

  std::shared_ptr<line_writer> writer_;
  std::uint64_t told_ = 0;
};

}  // namespace

spdlog::sink_ptr make_queued_sink(std::shared_ptr<line_writer> writer) {
  return std::make_shared<queued_sink>(std::move(writer));
}

std::shared_ptr<spdlog::logger> make_logger(const log_options& options, spdlog::sink_ptr sink) {
  if (!sink) sink = make_queued_sink(std::make_shared<line_writer>(STDERR_FILENO, options.queue_bytes));
  auto log = std::make_shared<spdlog::logger>("weft", std::move(sink));
  if (options.format == "json")
    log->set_formatter(std::make_unique<json_formatter>());
  else
    log->set_formatter(std::make_unique<text_formatter>());
  log->flush_on(spdlog::level::trace);
  if (auto set = set_log_level(*log, options.level); !set) log->warn("{}", set.error());
  return log;
}

std::string_view log_level(const spdlog::logger& log) {
  return level_name(log.level());
}

std::expected<void, std::string> set_log_level(spdlog::logger& log, std::string_view level) {
  const auto* found = std::ranges::find(log_level_names, level);
  if (found == log_level_names.end())
    return std::unexpected(
        fmt::format("\"{}\" is not a log level; use one of {}", level, fmt::join(log_level_names, ", ")));
  log.set_level(static_cast<spdlog::level::level_enum>(found - log_level_names.begin()));
  return {};
}

}  // namespace weft
