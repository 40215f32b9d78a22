// Holds the acceptors of large containers against the scanner that walks byte by byte.
#pragma once

#include <string>
#include <string_view>

#include "proto/json/json_scanner.hpp"

namespace weft::test {

struct walk_outcome {
  bool accepted = false;
  /// Where the value ends, or where the defect is.
  std::size_t offset = 0;
  proto::defect why = proto::defect::none;

  friend bool operator==(const walk_outcome&, const walk_outcome&) = default;
};

/// What the scanner says to the value at the start of `text`, with this acceptor or (nullptr) alone. The
/// acceptor gets large containers early, or not so early.
inline walk_outcome walk(std::string_view text, std::size_t room, proto::container_acceptor acceptor,
                         bool early = false) {
  const proto::block_readable readable(text);
  proto::json_scanner scanner(readable, acceptor);
  if (early) scanner.expect_one_large_container();
  const char* const behind = scanner.skip_value(scanner.begin(), room);
  if (behind == nullptr) return {false, scanner.offset(), scanner.why()};
  return {true, static_cast<std::size_t>(behind - scanner.begin()), proto::defect::none};
}

/// Empty if every acceptor leads to the same end, defect and offset as the scanner alone, else a sentence.
inline std::string acceptor_disagreement(std::string_view text, std::size_t room) {
  const walk_outcome expected = walk(text, room, nullptr);
  for (const auto& [name, acceptor] : proto::usable_acceptors()) {
    if (walk(text, room, acceptor) == expected && walk(text, room, acceptor, true) == expected) continue;
    return std::string(name) + " differs from the scanner alone, which " +
           (expected.accepted ? "accepts" : "rejects");
  }
  return {};
}

/// The same for acceptors asked right at `value`, which may be anything, in an array.
inline std::string direct_disagreement(std::string_view value, std::size_t room) {
  constexpr std::string_view opening = "[0,";
  std::string text(opening);
  text.append(value).append("]").append(proto::acceptor_bytes, ' ');
  const walk_outcome expected = walk(text, room, nullptr);
  for (const auto& [name, acceptor] : proto::usable_acceptors()) {
    if (acceptor == nullptr) continue;
    const char* const behind = acceptor(text.data() + opening.size(), text.data() + text.size(), 0b10, room);
    if (behind == nullptr) continue;
    if (expected.accepted && text.data() + expected.offset == behind) continue;
    return std::string(name) + " accepts what the scanner alone does not";
  }
  return {};
}

}  // namespace weft::test
