// The hash of names and ids: no byte is overlooked, at any length, and short texts spread over buckets.
#include "actors/runtime/text_hash.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(text_hash, every_byte_and_the_length_count) {
  for (std::size_t size = 0; size < 40; ++size) {
    const std::string text(size, 'a');
    EXPECT_EQ(text_hash(text), text_hash(std::string(size, 'a')));
    EXPECT_NE(text_hash(text), text_hash(text + 'a')) << size;
    for (std::size_t at = 0; at < size; ++at) {
      auto other = text;
      other[at] = 'b';
      EXPECT_NE(text_hash(text), text_hash(other)) << "byte " << at << " of " << size;
    }
  }
}

TEST(text_hash, the_seed_counts) {
  EXPECT_NE(text_hash("7", 1), text_hash("7", 2));
}

TEST(text_hash, running_numbers_fall_into_different_buckets) {
  constexpr std::size_t buckets = 1024;
  std::vector<int> filled(buckets);
  for (int id = 0; id < static_cast<int>(buckets); ++id) ++filled[text_hash(std::to_string(id)) % buckets];
  // With chance alone the fullest of so many holds about six.
  EXPECT_LE(*std::ranges::max_element(filled), 12);
}

TEST(text_hash, names_that_differ_little_differ) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    seen.insert(text_hash("service.method" + std::to_string(i)));
    seen.insert(text_hash("service" + std::to_string(i) + ".method"));
  }
  EXPECT_EQ(seen.size(), 2000U);
}

}  // namespace
}  // namespace weft
