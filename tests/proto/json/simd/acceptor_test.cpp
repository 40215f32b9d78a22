// The acceptors against the scanner alone, which other tests hold against nlohmann_json: never may they
// accept anything else, and well-formed texts they may not leave to it either, else they would be of no use.
#include "proto/json/simd/acceptor.hpp"

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "tests/proto/json/json_cases.hpp"
#include "tests/support/acceptor_oracle.hpp"
#include "tests/support/json_oracle.hpp"
#include "tests/support/random_json.hpp"

namespace weft::proto {
namespace {

using test::random_json;

/// Whatever stands behind a container, it is no business of the acceptor: this would be wrong anywhere.
const std::string behind_container = "}]\"\\x\x01\xFF{[:,,--..true" + std::string(64, '\x02');

struct entry {
  std::string_view opening;
  container_word levels;
  std::string_view closing;
};

/// Where acceptors are called: where a value must stand, in an array or an object.
constexpr entry entries[] = {{"[0,", 0b10, "]"}, {"{\"a\":", 0b11, "}"}, {"{\"a\":[0,", 0b110, "]}"}};

class block_acceptor : public testing::TestWithParam<named_acceptor> {
 protected:
  /// Asks at the value behind `opening`. The acceptor must be as strict as the scanner, and except for what
  /// it is free to give up on, as lenient.
  testing::AssertionResult agrees(const entry& in, std::string_view value, std::size_t room = 40) {
    text_.assign(in.opening).append(value).append(in.closing).append(behind_container);
    const test::walk_outcome expected = test::walk(text_, room, nullptr);
    const char* const end = text_.data() + text_.size();
    const char* const behind = GetParam().accept(text_.data() + in.opening.size(), end, in.levels, room);
    const bool accepted = behind != nullptr;
    const auto offset = accepted ? static_cast<std::size_t>(behind - text_.data()) : 0;
    if (accepted == expected.accepted && (!accepted || offset == expected.offset)) {
      return testing::AssertionSuccess();
    }
    return testing::AssertionFailure() << (accepted ? "accepted" : "gave up on") << ": " << text_;
  }

  std::string text_;
};

TEST_P(block_acceptor, agrees_on_every_case_of_the_grammar_at_every_place_in_a_block) {
  std::vector<std::string_view> texts(std::begin(cases::accepted), std::end(cases::accepted));
  for (const auto& each : cases::rejected) texts.push_back(each.text);
  for (const auto& each : cases::implementation_defined) texts.push_back(each.text);
  for (const std::string_view text : texts) {
    for (std::size_t place = 0; place < 64; ++place) {
      const std::string padding = '"' + std::string(place, 'x') + "\",";
      const std::string nested = "[" + std::string(text) + "," + std::string(text) + "]";
      for (const std::string_view value : {text, std::string_view(nested)}) {
        ASSERT_TRUE(agrees(entries[0], padding + std::string(value) + ", 1"));
        ASSERT_TRUE(agrees(entries[1], std::string(place, ' ') + std::string(value) + ",\"b\":1"));
        ASSERT_TRUE(agrees(entries[2], padding + "{\"b\":" + std::string(value) + "}"));
      }
    }
  }
}

TEST_P(block_acceptor, agrees_on_every_short_sequence_of_tokens) {
  constexpr std::string_view tokens[] = {"{", "}",  "[", "]", ",",   ":", "\"a\"", "0",    "12",
                                         "-", "-7", ".", "e", "e+1", " ", "\n",    "true", "nul"};
  constexpr std::size_t longest = 4;
  std::string value;
  std::size_t accepted = 0;
  for (std::size_t number = 0; number < 18 * 18 * 18 * 18; ++number) {
    value.clear();
    std::size_t left = number;
    for (std::size_t i = 0; i < longest; ++i, left /= std::size(tokens))
      value += tokens[left % std::size(tokens)];
    // Moves the tokens over the end of the first block, among other places.
    const std::string padding(number % 67, ' ');
    for (const entry& in : entries) {
      ASSERT_TRUE(agrees(in, padding + value));
      accepted += test::walk(text_, 40, nullptr).accepted ? 1U : 0U;
    }
  }
  EXPECT_GT(accepted, 1000U);
}

std::string large_container(random_json& random) {
  std::string text = "1";
  for (std::size_t left = 4 + random.below(20); left > 0; --left) text += "," + random.value(5);
  return text;
}

TEST_P(block_acceptor, accepts_well_formed_texts) {
  random_json random(6);
  for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(agrees(entries[0], large_container(random)));
}

TEST_P(block_acceptor, agrees_on_a_million_damaged_texts) {
  random_json random(7);
  std::mt19937_64 engine(8);
  constexpr std::string_view bytes =
      "{}[],::\"\"\\01-+.eEtfnu \n\t/x\x01\x7F\x80\xBF\xC3\xE0\xED\xF0\xF4\xFF";
  std::size_t accepted = 0;
  for (int i = 0; i < 5'000; ++i) {
    const std::string original = large_container(random);
    std::string damaged = original;
    for (int round = 0; round < 200; ++round) {
      damaged = original;
      for (std::size_t left = 1 + engine() % 2; left > 0; --left) {
        damaged[engine() % damaged.size()] = bytes[engine() % bytes.size()];
      }
      ASSERT_TRUE(agrees(entries[0], damaged));
      accepted += test::walk(text_, 40, nullptr).accepted ? 1U : 0U;
    }
  }
  EXPECT_GT(accepted, 100'000U);
  EXPECT_LT(accepted, 900'000U);
}

std::string repeat(std::size_t count, std::string_view part) {
  std::string text;
  for (; count > 0; --count) text += part;
  return text;
}

// Brackets are matched some 60 at a time, so a mistake must be found wherever between them it stands.
TEST_P(block_acceptor, finds_a_mistake_among_any_number_of_brackets) {
  for (std::size_t before = 0; before < 140; ++before) {
    for (const std::string_view member : {"\"b\":0", "\"b\":[[]]", "0,{}", "0,[]", "\"b\":0,0,[]",
                                          "\"b\":{},0", "{},\"b\":0", "\"b\":[}", "\"b\":{]"}) {
      const std::string members = repeat(before, "\"a\":{},") + std::string(member) + repeat(80, ",\"a\":[]");
      ASSERT_TRUE(agrees(entries[0], "{" + members + "}"));
      ASSERT_TRUE(agrees(entries[1], "0," + members));
    }
    for (const std::string_view element : {"0", "\"b\":0", "\"b\":[]", "[],\"b\":0", "[}", "[[{}]]"}) {
      const std::string elements = repeat(before, "[],") + std::string(element) + repeat(80, ",{}");
      ASSERT_TRUE(agrees(entries[0], elements));
      ASSERT_TRUE(agrees(entries[1], "[" + elements + "]"));
    }
  }
}

/// One or two of everything, with and without space, escapes and text that is not English.
constexpr std::string_view samples[] = {
    R"({"sku":"A-1","count":10,"price":{"amount":0.25,"currency":"EUR"},"tags":["new",true,null],"stock":)"
    R"({"site":{"row":1e5,"bin":-7,"x":[[],{},[{}],false]}}},{"a":[1,-0.5E+3,"b"],"c":"d"},[],"",{"e":[]})",
    "{\"a\" : [ 1 , true ,\n\t{ \"b\" : null , \"c\" : -1.5e-7 } , \"d\" ] , \"e\" : { } } , [ [ ] , false "
    "] ,\r 12",
    R"(["\"\\\u00e9\uD83D\uDE00","\n/",{"\\":"\\\\\""},"\u20ac",null,{"x":["\/"]}],{"\t":0,"y":{"\f":1.0}})",
    "\"\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80\",{\"\xE5\x86\x86\":[true,\"\x7F\"]},[\"\xED\x9F\xBF\","
    "\"\xF4\x8F\xBF\xBF\",1,2]"};

/// Calls `check` with each text that differs in one byte from a sample.
template <class Check>
void change_every_byte(Check check) {
  std::string changed;
  for (const std::string_view sample : samples) {
    for (std::size_t at = 0; at < sample.size(); ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        changed = sample;
        changed[at] = static_cast<char>(byte);
        ASSERT_NO_FATAL_FAILURE(check(changed));
      }
    }
  }
}

TEST_P(block_acceptor, agrees_on_every_change_of_a_single_byte) {
  for (const std::string_view sample : samples) ASSERT_TRUE(agrees(entries[0], sample));
  change_every_byte([this](const std::string& changed) { ASSERT_TRUE(agrees(entries[0], changed)); });
}

// Tokens, scalars and brackets are each checked 64 at a time, and read in batches of blocks.
TEST_P(block_acceptor, finds_a_wrong_scalar_behind_any_number_of_others) {
  constexpr std::string_view scalars[] = {
      "true",      "false", "null",  "0",     "-0",   "10",   "0.5",   "-0.5E+10", "12e-05", "1E5",  "tru",
      "fals",      "nul",   "nulL",  "01",    "-01",  "00",   "1.2.3", "1e5e5",    "1e5.5",  "-",    "+1",
      "truefalse", "true1", "1true", "1.",    "1.e5", ".5",   "1e",    "1e+",      "--1",    "1-1",  "e5",
      "1+1",       "truee", "xtrue", "-true", "\x7F", "\xC3", "\\",    "1,2",      "1 2",    "1.5,0"};
  for (std::size_t before = 0; before < 140; ++before) {
    for (const std::string_view scalar : scalars) {
      for (const std::string_view other : {"1,", "\"\",", "true,"}) {
        const std::string value = repeat(before, other) + std::string(scalar);
        ASSERT_TRUE(agrees(entries[0], value));
        ASSERT_TRUE(agrees(entries[2], value + ",7"));
      }
    }
  }
}

TEST_P(block_acceptor, finds_the_end_wherever_it_is) {
  for (const std::string_view part :
       {"1,", "[],", "{\"a\":1},", "\"abcdefghijklmnopqrstuvwxyz\",", "0,      ", "\"\",", "false,"}) {
    for (std::size_t bytes = 0; bytes < 5'500; bytes += bytes < 400 || bytes > 4'400 ? 1 : 7) {
      const std::string value = repeat(bytes / part.size(), part) + std::string(bytes % part.size(), ' ');
      ASSERT_TRUE(agrees(entries[bytes % 2 * 2], value + "\"a\""));
      ASSERT_TRUE(agrees(entries[0], value + "{\"a\":0}"));
      ASSERT_TRUE(agrees(entries[0], value + "{\"a\",0}"));
      ASSERT_TRUE(agrees(entries[1], '[' + value + "{}],\"b\":[]"));
    }
  }
}

TEST_P(block_acceptor, finds_a_wrong_kind_at_any_depth) {
  for (std::size_t depth = 1; depth < 24; ++depth) {
    for (std::size_t level = 0; level < depth; ++level) {
      for (const std::string_view member : {"", ",1", ",\"b\":1", ",[]", ",\"b\":{}", "}", "]"}) {
        std::string value;
        for (std::size_t i = 0; i < depth; ++i) value += i % 3 == 1 ? "[" : "{\"a\":";
        value += '0';
        for (std::size_t i = depth; i-- > 0;) {
          if (i == level) value += member;
          value += i % 3 == 1 ? ']' : '}';
        }
        ASSERT_TRUE(agrees(entries[0], value));
        ASSERT_TRUE(agrees(entries[1], repeat(depth, "[],\"c\":").append(value)));
      }
    }
  }
}

TEST_P(block_acceptor, never_goes_deeper_than_allowed) {
  for (std::size_t depth = 1; depth < 100; ++depth) {
    for (const std::string_view filling : {"", " ", "  1"}) {
      const std::string brackets(depth, '[');
      const std::string value = brackets + std::string(filling) + std::string(depth, ']');
      const std::string objects = value + ",{\"b\":" + value + "}";
      for (const std::size_t room :
           {std::size_t{1}, depth, depth + 1, depth + 2, std::size_t{64}, depth_limit}) {
        for (const std::string& each : {value, value + "," + value, objects, "[]," + value}) {
          text_ = "[" + each + "]" + behind_container;
          const test::walk_outcome expected = test::walk(text_, room, nullptr);
          const char* behind = GetParam().accept(text_.data() + 1, text_.data() + text_.size(), 0b10, room);
          if (behind == nullptr) continue;
          ASSERT_TRUE(expected.accepted) << room << text_;
          ASSERT_EQ(static_cast<std::size_t>(behind - text_.data()), expected.offset);
        }
      }
    }
  }
}

TEST_P(block_acceptor, agrees_when_the_text_ends_anywhere) {
  random_json random(9);
  for (int i = 0; i < 200; ++i) {
    const std::string whole = "[" + large_container(random) + "]" + std::string(130, ' ');
    for (std::size_t size = 65; size <= whole.size(); ++size) {
      // Exactly as large as the text, so that AddressSanitizer sees any read behind it.
      const std::vector<char> bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      const test::walk_outcome expected = test::walk({bytes.data(), size}, 40, nullptr);
      const char* behind = GetParam().accept(bytes.data() + 1, bytes.data() + size, 0b10, 40);
      ASSERT_EQ(behind != nullptr, expected.accepted) << whole.substr(0, size);
      if (behind != nullptr) ASSERT_EQ(static_cast<std::size_t>(behind - bytes.data()), expected.offset);
    }
  }
}

/// Two pages, of which the second may not be read.
class guarded_page {
 public:
  guarded_page() : bytes_(static_cast<char*>(map())) {
    if (bytes_ == MAP_FAILED || mprotect(bytes_ + size, size, PROT_NONE) != 0) std::abort();
  }
  ~guarded_page() { munmap(bytes_, 2 * size); }
  guarded_page(const guarded_page&) = delete;
  guarded_page& operator=(const guarded_page&) = delete;

  /// A copy of the text right before the second page.
  std::string_view put(std::string_view text) {
    return {std::copy(text.begin(), text.end(), bytes_ + size - text.size()) - text.size(), text.size()};
  }

  static constexpr std::size_t size = 65536;

 private:
  static void* map() {
    return mmap(nullptr, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }

  char* bytes_;
};

TEST_P(block_acceptor, never_reads_behind_the_text) {
  guarded_page page;
  random_json random(11);
  for (int i = 0; i < 300; ++i) {
    const std::string whole = "[" + large_container(random) + "]";
    for (std::size_t cut = 0; cut < 70 && cut + 65 < whole.size(); ++cut) {
      const std::string_view text = page.put(std::string_view(whole).substr(0, whole.size() - cut));
      const char* behind = GetParam().accept(text.data() + 1, text.data() + text.size(), 0b10, 40);
      ASSERT_EQ(behind != nullptr, cut == 0) << text;
    }
  }
}

std::span<const named_acceptor> vectorized() {
  return usable_acceptors().first(usable_acceptors().size() - 1);
}

INSTANTIATE_TEST_SUITE_P(proto, block_acceptor, testing::ValuesIn(vectorized().begin(), vectorized().end()),
                         [](const auto& param) { return std::string(param.param.name); });
// A machine may have none.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(block_acceptor);

TEST(large_containers, get_the_same_verdicts_from_the_scanner_with_every_acceptor) {
  random_json random(10);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = "[" + large_container(random) + "," + large_container(random) + "]";
    if (i % 2 == 0) text = random.damage(text);
    ASSERT_EQ(test::acceptor_disagreement(text, 3 + random.below(10)), "") << text;
  }
}

// The scanner asks its acceptor only in large texts, and only behind their first bytes.
TEST(large_containers, get_the_verdicts_of_nlohmann_whatever_byte_is_changed) {
  const std::string opening = "[\"" + std::string(130, 'x') + "\",";
  const std::string closing = "]" + std::string(600, ' ');
  std::string text;
  change_every_byte([&](const std::string& changed) {
    text.assign(opening).append(changed).append(closing);
    ASSERT_EQ(test::disagreement(text), "") << text;
  });
}

}  // namespace
}  // namespace weft::proto
