// The messages of a stream, `$/stream/…`, and the member `stream` of the request that asks for one: where
// their members lie, and writing them. Arguments called `raw_…` are JSON already.
//
// Pure functions. Views point into the text that was read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weft::proto {

/// What a stream message does. The first two are the callee's, the others the caller's.
enum class stream_message : std::uint8_t { item, accept, credit, send, end, raise };

inline constexpr std::string_view stream_prefix = "$/stream/";

/// By the name behind the prefix; nothing when there is none such.
std::optional<stream_message> find_stream_message(std::string_view method) noexcept;

/// Raw spans; empty means absent.
struct stream_members {
  std::string_view id;
  std::string_view seq;
  std::string_view value;
  std::string_view cursor;
  std::string_view credit;
  std::string_view bytes;
  std::string_view error;
  std::string_view after;
  /// The name of one of these that is there twice; the first counts. Not written.
  std::string_view repeated;
};

/// False when `raw` is no object, or has one of these members twice, which `repeated` tells apart. REQUIRES:
/// `raw` is valid JSON, as everything that came in an envelope.
bool read_stream_members(std::string_view raw, stream_members& out) noexcept;

/// A whole number from 0; nothing when it is none. What is beyond 2^53 is that.
std::optional<std::int64_t> read_count(std::string_view raw) noexcept;

/// What may come: so many items, and so many bytes of their values, if those are counted.
struct stream_grant {
  std::int64_t items = 0;
  std::optional<std::int64_t> bytes{};
};
/// Nothing when a count is none, or that of the items is absent.
std::optional<stream_grant> read_grant(const stream_members& members) noexcept;

// -- writing

/// The members in braces, those that are absent left out.
void append_stream_members(std::string& out, const stream_members& members);
/// A whole notification.
void append_stream_message(std::string& out, stream_message which, const stream_members& members);
/// The same for the message that there are most of.
void append_stream_item(std::string& out, std::string_view raw_id, std::int64_t seq,
                        std::string_view raw_value, std::string_view raw_cursor);

/// A number as text, for as long as it is held.
class count_text {
 public:
  explicit count_text(std::int64_t count) noexcept;
  operator std::string_view() const noexcept { return {digits_, size_}; }

 private:
  char digits_[20];
  std::size_t size_;
};

/// The value of a request's member `stream`.
std::string stream_member(std::int64_t credit, std::int64_t bytes, std::string_view raw_after = {});

}  // namespace weft::proto
