#include "node/logging/log.hpp"

#include <sstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <spdlog/sinks/ostream_sink.h>

namespace weft {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

struct captured {
  std::ostringstream out;
  std::shared_ptr<spdlog::logger> log;

  explicit captured(const log_options& options)
      : log{make_logger(options, std::make_shared<spdlog::sinks::ostream_sink_mt>(out))} {}
};

TEST(json_log, every_line_is_a_json_object_whatever_the_message_holds) {
  captured to{{.level = "info", .format = "json"}};
  const std::string nasty = "a \"quote\"\nnew line \\ \x01 and \xff\xfe";
  to.log->warn(nasty);
  to.log->error("second");
  std::istringstream lines{to.out.str()};
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  const auto entry = nlohmann::json::parse(line);
  EXPECT_EQ(entry["level"], "warn");
  EXPECT_EQ(entry["logger"], "weft");
  EXPECT_EQ(entry["msg"], "a \"quote\"\nnew line \\ \x01 and \uFFFD\uFFFD");
  EXPECT_THAT(entry["ts"].get<std::string>(),
              MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z"));
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_EQ(nlohmann::json::parse(line)["msg"], "second");
  EXPECT_FALSE(std::getline(lines, line));
}

TEST(text_log, a_message_cannot_forge_a_line) {
  captured to{{.level = "info", .format = "text"}};
  to.log->info("first\n2030-01-01T00:00:00Z error weft: forged\x1b[2J");
  const std::string text = to.out.str();
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  EXPECT_TRUE(text.ends_with('\n'));
  EXPECT_THAT(text, HasSubstr(" info     weft: first\\x0a2030"));
  EXPECT_THAT(text, HasSubstr("\\x1b[2J"));
}

// What a terminal obeys, what turns text around, what is invisible, what is no UTF-8.
constexpr std::string_view hostile =
    "\xc2\x9b"
    "2J \xe2\x80\xae"
    "evil\xe2\x80\xa8line \xe2\x80\x8b \xef\xbb\xbf \xf3\xa0\x81\x81 \x9b \xc3\xa4";

TEST(text_log, what_a_terminal_obeys_or_hides_is_escaped) {
  captured to{{.level = "info", .format = "text"}};
  to.log->info("{}", hostile);
  EXPECT_THAT(to.out.str(),
              HasSubstr("\\u009b2J \\u202eevil\\u2028line \\u200b \\ufeff \\U000e0041 \\x9b \xc3\xa4"));
}

TEST(json_log, what_a_terminal_obeys_or_hides_is_escaped_and_keeps_its_value) {
  captured to{{.level = "info", .format = "json"}};
  to.log->info("{}", hostile);
  const std::string line = to.out.str();
  EXPECT_THAT(line, HasSubstr(R"("\u009b2J \u202eevil\u2028line \u200b \ufeff \udb40\udc41 )"));
  std::string valid{hostile};
  valid.replace(valid.find(" \x9b "), 3, " \uFFFD ");
  EXPECT_EQ(nlohmann::json::parse(line)["msg"], valid);
}

TEST(log_level, can_be_changed_at_run_time) {
  captured to{{.level = "warn", .format = "text"}};
  to.log->info("hidden");
  EXPECT_EQ(to.out.str(), "");
  ASSERT_TRUE(set_log_level(*to.log, "debug"));
  EXPECT_EQ(log_level(*to.log), "debug");
  to.log->debug("shown");
  EXPECT_THAT(to.out.str(), HasSubstr("shown"));
}

TEST(log_level, an_unknown_one_is_refused_and_changes_nothing) {
  captured to{{.level = "warn", .format = "text"}};
  const auto set = set_log_level(*to.log, "loud");
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error(),
            "\"loud\" is not a log level; use one of trace, debug, info, warn, error, critical, off");
  EXPECT_EQ(log_level(*to.log), "warn");
}

TEST(log_level, every_name_is_the_level_that_spdlog_has_for_it) {
  captured to{{}};
  for (const std::string_view name : log_level_names) {
    ASSERT_TRUE(set_log_level(*to.log, name));
    EXPECT_EQ(log_level(*to.log), name);
  }
  EXPECT_EQ(to.log->level(), spdlog::level::off);
  ASSERT_TRUE(set_log_level(*to.log, "error"));
  EXPECT_EQ(to.log->level(), spdlog::level::err);
}

}  // namespace
}  // namespace weft
