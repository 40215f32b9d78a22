// What a call that streams has beside its record: what may come in each direction, how far it has come, and
// what another instance needs to go on from there.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/messages/result.hpp"
#include "actors/router/stream_flow.hpp"
#include "actors/telemetry/call_record.hpp"
#include "proto/message.hpp"

namespace weft {

/// Time of a stream whose caller names none: its ends are kept alive by heartbeats, not by a default.
inline constexpr auto stream_without_deadline = std::chrono::hours(24 * 365 * 10);

/// An end of a stream that is a coroutine of this process. The call refers to it as long as both are there.
class stream_end {
 public:
  /// More may be sent now.
  virtual void on_grant(std::int64_t items, std::int64_t bytes) = 0;
  virtual void on_value(std::string_view raw_value) = 0;
  /// Of an item that has one: before its value.
  virtual void on_cursor(std::string_view) {}
  virtual void on_raise(rpc_error error) = 0;
  /// No further value comes.
  virtual void on_half_close() = 0;
  /// The stream has ended; the answer is where its call said.
  virtual void on_answer() = 0;

 protected:
  ~stream_end() = default;
};

/// The numbers of its items.
struct stream_numbers {
  /// Number of the next item that the caller is told.
  std::int64_t told = 0;
  /// Number of the next item that the callee of this attempt tells.
  std::int64_t due = 0;
};

/// What its caller sends.
struct stream_input {
  /// The number of its next value.
  std::int64_t due = 0;
  /// Values that it was told it may send.
  std::int64_t credit = 0;
  /// It sends no more.
  bool ended = false;
  /// The callee has let it send values, which another one would not know of.
  bool taken = false;
};

/// How it goes on at another instance.
struct stream_moving {
  /// It may, behind `cursor`.
  bool allowed = false;
  /// Taken back from an instance that is about to go.
  bool moving = false;
  std::string cursor;
  /// Attempts that the call has forgotten since.
  std::uint32_t earlier_attempts = 0;

  bool possible() const noexcept { return allowed && !cursor.empty(); }
};

/// The directions whose next grant waits for an output to drain.
struct stream_stalls {
  bool down = false;
  bool up = false;
};

struct stream_state {
  /// What a message takes beside its value, the id in it and a cursor: names, numbers, braces and the header.
  static constexpr std::size_t around_value = 96;

  explicit stream_state(std::size_t id_bytes) noexcept
      : down(static_cast<std::int64_t>(around_value + id_bytes)), up(around_value) {}

  /// An error that says that it was lost also says where it can go on.
  void tell_cursor(rpc_error& error) const {
    const bool lost = error.code == static_cast<std::int32_t>(error_code::unavailable);
    if (!lost || !elsewhere.possible() || gathers || !error.data.ends_with('}')) return;
    error.data.pop_back();
    error.data.append(R"(,"cursor":)").append(elsewhere.cursor).append("}");
  }

  /// Items, towards the caller: kept by the router that the caller is connected to.
  stream_flow down;
  /// What the caller sends, towards the callee: kept by the router that the callee is connected to.
  stream_flow up;
  stream_numbers seq;
  stream_input input;
  stream_moving elsewhere;
  /// The caller has not asked for a stream.
  bool gathers = false;
  /// The instance that works on it has not declared that it streams.
  bool plain_callee = false;
  stream_stalls stalled;
  /// Where the member `stream` lies in the request; empty where it has none yet.
  proto::text_span member;
  /// What few streams have.
  struct rarity {
    /// Where it gathers: the items until now, as the beginning of an array.
    std::string gathered = "[";
    /// For its span, if it makes one.
    std::vector<stream_resumption> resumptions;
  };
  rarity& rare() {
    if (!rare_) rare_ = std::make_unique<rarity>();
    return *rare_;
  }
  bool has_rare() const noexcept { return rare_ != nullptr; }

  /// Coroutines of this process, if they are its ends.
  stream_end* caller = nullptr;
  stream_end* callee = nullptr;

 private:
  std::unique_ptr<rarity> rare_;
};

}  // namespace weft
