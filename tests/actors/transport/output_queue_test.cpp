// What a connection still has to write: whole frames in order, urgent ones as early as the frame boundaries
// allow.
#include "actors/transport/output_queue.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "proto/frame.hpp"
#include "tests/actors/transport/frame_of.hpp"

namespace weft {
namespace {

/// Writes `count` bytes, at most `step` at a time.
std::string take(output_queue& queue, std::size_t count, std::size_t step = SIZE_MAX) {
  std::string written;
  while (count > 0) {
    const auto part = queue.front().substr(0, std::min(step, count));
    if (part.empty()) break;
    written += part;
    count -= part.size();
    queue.consume(part.size());
  }
  return written;
}

std::string drain(output_queue& queue, std::size_t step = SIZE_MAX) {
  return take(queue, queue.size(), step);
}

TEST(output_queue, is_empty_at_first) {
  const output_queue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.size(), 0U);
  EXPECT_EQ(queue.front(), "");
}

TEST(output_queue, keeps_the_order_of_frames) {
  output_queue queue;
  queue.append(frame_of("one") + frame_of("two"));
  queue.append(frame_of("three"));
  EXPECT_EQ(queue.size(), 3 * proto::frame_header_bytes + 11);
  EXPECT_EQ(drain(queue, 5), frame_of("one") + frame_of("two") + frame_of("three"));
  EXPECT_TRUE(queue.empty());
}

TEST(output_queue, urgent_frames_overtake_what_is_not_begun) {
  output_queue queue;
  queue.append(frame_of("bulk"));
  queue.append_urgent(frame_of("urgent"));
  EXPECT_EQ(drain(queue), frame_of("urgent") + frame_of("bulk"));
}

TEST(output_queue, urgent_frames_never_cut_into_one_that_is_partly_written) {
  const auto first = frame_of("first");
  const auto rest = frame_of("second") + frame_of("third");
  // Also in the middle of a header, and exactly at the boundary.
  for (std::size_t written = 0; written <= first.size(); ++written) {
    output_queue queue;
    queue.append(first + rest);
    queue.consume(written);
    queue.append_urgent(frame_of("urgent"));
    const auto expected =
        written == 0 ? frame_of("urgent") + first + rest : first.substr(written) + frame_of("urgent") + rest;
    EXPECT_EQ(drain(queue), expected) << written << " bytes were written";
  }
}

TEST(output_queue, urgent_frames_keep_their_own_order) {
  output_queue queue;
  queue.append(frame_of("bulk"));
  queue.append_urgent(frame_of("1") + frame_of("2"));
  queue.append_urgent(frame_of("3"));
  queue.consume(frame_of("1").size() + 2);
  queue.append_urgent(frame_of("4"));
  EXPECT_EQ(frame_of("2").substr(0, 2) + drain(queue),
            frame_of("2") + frame_of("3") + frame_of("4") + frame_of("bulk"));
}

TEST(output_queue, urgent_frames_overtake_again_once_the_earlier_ones_are_written) {
  output_queue queue;
  queue.append_urgent(frame_of("1"));
  queue.append(frame_of("a") + frame_of("b"));
  queue.consume(frame_of("1").size() + frame_of("a").size());
  queue.append_urgent(frame_of("2"));
  EXPECT_EQ(drain(queue), frame_of("2") + frame_of("b"));
}

TEST(output_queue, what_was_written_may_reach_beyond_the_front) {
  output_queue queue;
  queue.append(frame_of("first") + frame_of("second"));
  queue.consume(2);
  queue.append_urgent(frame_of("urgent"));
  queue.append(frame_of(std::string(100'000, 'x')));
  queue.consume(frame_of("first").size() - 2 + frame_of("urgent").size() + frame_of("second").size() + 5);
  EXPECT_EQ(drain(queue), frame_of(std::string(100'000, 'x')).substr(5));
}

TEST(output_queue, consuming_nothing_changes_nothing) {
  output_queue queue;
  queue.append(frame_of("a"));
  queue.consume(0);
  queue.append_urgent(frame_of("b"));
  EXPECT_EQ(drain(queue), frame_of("b") + frame_of("a"));
}

TEST(output_queue, holds_frames_larger_than_a_piece) {
  output_queue queue;
  const std::string large(300'000, 'x');
  queue.append(frame_of(large) + frame_of("after"));
  queue.consume(250'000);
  queue.append_urgent(frame_of("urgent"));
  EXPECT_EQ(drain(queue), frame_of(large).substr(250'000) + frame_of("urgent") + frame_of("after"));
}

/// The same, told simply: a list of frames of which the first may be partly written.
class model {
 public:
  void append(std::string frame, bool urgent) {
    if (!urgent) return frames_.push_back({std::move(frame), false});
    auto at = frames_.begin();
    if (partly_written_ > 0) ++at;
    while (at != frames_.end() && at->urgent) ++at;
    frames_.insert(at, {std::move(frame), true});
  }
  std::string consume(std::size_t count) {
    std::string written;
    while (count > 0) {
      auto& first = frames_.front();
      const auto part = first.bytes.substr(partly_written_, count);
      written += part;
      count -= part.size();
      partly_written_ += part.size();
      if (partly_written_ < first.bytes.size()) break;
      frames_.pop_front();
      partly_written_ = 0;
    }
    return written;
  }
  std::size_t size() const {
    std::size_t sum = 0;
    for (const auto& f : frames_) sum += f.bytes.size();
    return sum - partly_written_;
  }

 private:
  struct entry {
    std::string bytes;
    bool urgent;
  };
  std::deque<entry> frames_;
  std::size_t partly_written_ = 0;
};

TEST(output_queue, behaves_as_a_list_of_frames_whatever_happens) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](std::size_t n) {
      return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
    };
    // Some runs hold much, so that written bytes are released in between; some are often empty.
    const std::size_t longest_payload = seed % 4 == 0 ? 20'000 : 40;
    const std::size_t longest_write = seed % 2 == 0 ? longest_payload : 3 * longest_payload;
    output_queue queue;
    model expected;
    std::uint64_t number = 0;
    for (int step = 0; step < 500; ++step) {
      const bool appends = below(2) == 0;
      if (appends) {
        const bool urgent = below(3) == 0;
        std::string frames;
        for (auto n = 1 + below(3); n > 0; --n) {
          const auto frame = frame_of(std::to_string(number++) + std::string(below(longest_payload), 'x'));
          frames += frame;
          expected.append(frame, urgent);
        }
        urgent ? queue.append_urgent(frames) : queue.append(frames);
      } else {
        const auto count = std::min(queue.size(), below(longest_write + 1));
        ASSERT_EQ(take(queue, count), expected.consume(count)) << "seed " << seed << ", step " << step;
      }
      ASSERT_EQ(queue.size(), expected.size()) << "seed " << seed << ", step " << step;
    }
    const auto left = queue.size();
    ASSERT_EQ(drain(queue, 7), expected.consume(left)) << "seed " << seed;
  }
}

TEST(output_queue, nothing_overtakes_what_has_begun) {
  output_queue queue;
  const auto one = frame_of("one");
  const auto two = frame_of("two");
  const auto three = frame_of("three");
  queue.append(one + two + three);
  // A TLS record that holds the first frame and the beginning of the second.
  queue.begin(one.size() + 1);
  queue.append_urgent(frame_of("urgent"));
  EXPECT_EQ(queue.front(), one + two);
  queue.consume(one.size() + two.size());
  EXPECT_EQ(queue.front(), frame_of("urgent"));
  queue.begin(1);
  queue.append_urgent(frame_of("more"));
  EXPECT_EQ(queue.front(), frame_of("urgent") + frame_of("more"));
  queue.consume(frame_of("urgent").size() + frame_of("more").size());
  EXPECT_EQ(queue.front(), three);
}

}  // namespace
}  // namespace weft
