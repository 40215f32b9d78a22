// The scanner under texts that are cut, huge, hostile or placed at the edge of readable memory, and its
// memory use.
#include <atomic>
#include <cstdlib>
#include <new>
#include <random>
#include <string>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/envelope.hpp"
#include "proto/json/sse2_block.hpp"

// ThreadSanitizer brings its own operator new and lets no program replace it.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEFT_CANNOT_COUNT_ALLOCATIONS
#endif
#endif

#ifndef WEFT_CANNOT_COUNT_ALLOCATIONS
namespace {
std::atomic<std::size_t> allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
#endif

namespace weft::proto {
namespace {

const std::string valid_messages[] = {
    R"({"jsonrpc":"2.0","id":1,"method":"foo","params":[1,-2.5e+10,"x"]})",
    R"({"jsonrpc":"2.0","id":"\u0041\ud83d\ude00","method":"foo","params":{"a":{"b":[true,false,null]}}})",
    "{\"jsonrpc\":\"2.0\",\"method\":\"h\u00e9\u4e2d\U0001F600 a text of more than sixteen bytes\"}",
    R"({ "jsonrpc" : "2.0" , "id" : null , "error" : { "code" : -1 , "message" : "no" } })",
    R"([{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","method":"b"},[],{}])",
    R"({"\u006dethod":"a","id":0.5e-3,"jsonrpc":"2.0"})",
    R"({"jsonrpc":"2.0","method":")" + std::string(200, 'x') + R"("})",
};

TEST(scanner, every_prefix_of_a_message_is_rejected) {
  envelope single;
  std::vector<envelope> batch;
  for (const std::string& text : valid_messages) {
    ASSERT_NE(scan(text, {}, single, batch).kind, scan_kind::rejected) << text;
    for (std::size_t size = 0; size < text.size(); ++size) {
      const scan_result outcome = scan(std::string_view(text).substr(0, size), {}, single, batch);
      ASSERT_EQ(outcome.kind, scan_kind::rejected) << text.substr(0, size);
      ASSERT_TRUE(is_parse_defect(outcome.why)) << text.substr(0, size);
      ASSERT_LE(outcome.offset, size);
    }
  }
}

TEST(scanner, anything_behind_a_message_is_rejected) {
  envelope single;
  std::vector<envelope> batch;
  for (const std::string& text : valid_messages) {
    for (const char* tail : {"x", "{}", ",", "]", "}", "\xEF\xBB\xBF"}) {
      EXPECT_EQ(scan(text + tail, {}, single, batch).why, defect::trailing_bytes) << text << tail;
    }
    EXPECT_EQ(scan(text + std::string(1, '\0'), {}, single, batch).why, defect::trailing_bytes);
    EXPECT_EQ(scan("\r\n\t " + text + "\r\n\t ", {}, single, batch).why, defect::none);
  }
}

TEST(scanner, nesting_of_400000_levels_is_rejected_at_the_limit) {
  envelope single;
  std::vector<envelope> batch;
  constexpr std::size_t levels = 400'000;
  std::string objects;
  for (std::size_t i = 0; i < levels; ++i) objects += "{\"a\":";
  for (const std::string& text :
       {std::string(levels, '['), objects, std::string(levels, '[') + std::string(levels, ']'),
        R"({"jsonrpc":"2.0","method":"m","params":)" + std::string(levels, '[')}) {
    const scan_result outcome = scan(text, {}, single, batch);
    EXPECT_EQ(outcome.why, defect::too_deep);
    EXPECT_LT(outcome.offset, 64U * 6U);
    EXPECT_EQ(validate(text, levels * 2).why, defect::too_deep);
  }
}

/// Memory whose last byte is followed by a page that must not be read, and whose first by one before it.
class guarded_memory {
 public:
  guarded_memory() {
    all_ = static_cast<char*>(mmap(nullptr, 3 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (all_ == MAP_FAILED || mprotect(all_ + page_, page_, PROT_READ | PROT_WRITE) != 0)
      throw std::bad_alloc();
  }
  ~guarded_memory() { munmap(all_, 3 * page_); }
  guarded_memory(const guarded_memory&) = delete;
  guarded_memory& operator=(const guarded_memory&) = delete;

  std::string_view at_end(std::string_view text) { return place(text, all_ + 2 * page_ - text.size()); }
  std::string_view at_start(std::string_view text) { return place(text, all_ + page_); }

 private:
  static std::string_view place(std::string_view text, char* at) { return {at, text.copy(at, text.size())}; }

  std::size_t page_ = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  char* all_;
};

TEST(scanner, reads_nothing_outside_of_the_text) {
  guarded_memory memory;
  envelope single;
  std::vector<envelope> batch;
  for (const std::string& text : valid_messages) {
    for (std::size_t size = 0; size <= text.size(); ++size) {
      const std::string_view part = std::string_view(text).substr(0, size);
      const scan_result outcome = scan(part, {}, single, batch);
      EXPECT_EQ(scan(memory.at_end(part), {}, single, batch).why, outcome.why);
      EXPECT_EQ(scan(memory.at_start(part), {}, single, batch).why, outcome.why);
    }
  }
}

#ifndef WEFT_CANNOT_COUNT_ALLOCATIONS
TEST(scanner, one_message_allocates_nothing_and_a_batch_only_until_its_vector_is_large_enough) {
  envelope single;
  std::vector<envelope> batch;
  for (const std::string& text : valid_messages) scan(text, {}, single, batch);
  const std::size_t before = allocations;
  for (const std::string& text : valid_messages) scan(text, {}, single, batch);
  EXPECT_EQ(allocations, before);

  std::vector<envelope> fresh;
  for (const std::string& text : valid_messages) {
    if (text.front() == '{') scan(text, {}, single, fresh);
  }
  EXPECT_EQ(allocations, before);
  scan(valid_messages[4], {}, single, fresh);
  EXPECT_GT(allocations, before) << "the count must see allocations";
}
#endif

TEST(scanner, strings_of_every_length_end_where_they_end) {
  for (std::size_t size = 0; size < 200; ++size) {
    const std::string text(size, 'x');
    EXPECT_EQ(validate('"' + text + '"', 1).why, defect::none) << size;
    EXPECT_EQ(validate('"' + text, 1).why, defect::unexpected_end) << size;
    const scan_result control = validate('"' + text + "\x1F\"", 1);
    EXPECT_EQ(control.why, defect::control_character) << size;
    EXPECT_EQ(control.offset, size + 1);
    EXPECT_EQ(validate('"' + text + "\xFF\"", 1).why, defect::invalid_utf8) << size;
    EXPECT_EQ(validate('"' + text + "\\\"\u00e9" + text + '"', 1).why, defect::none) << size;
    EXPECT_EQ(validate('"' + text + "\\\"", 1).why, defect::unexpected_end) << size;
  }
}

TEST(scanner, native_and_portable_block_questions_have_the_same_answers) {
  std::mt19937_64 random(5);
  char bytes[64];
  for (int round = 0; round < 20'000; ++round) {
    // Mostly plain text, so that blocks without any stop are frequent too.
    for (char& byte : bytes) {
      byte = static_cast<char>(random() % 40 == 0 ? random() % 256
                                                  : (random() % 2 == 0 ? 'a' : '0') + random() % 10);
    }
    ASSERT_EQ(string_stops(bytes), portable::string_stops(bytes));
    ASSERT_EQ(has_string_stop_64(bytes), portable::has_string_stop_64(bytes));
  }
}

}  // namespace
}  // namespace weft::proto
