// One TCP connection as an actor: cuts and scans what it reads, hands it to its router in batches, and writes
// what the router sends back.
//
// Reading and writing are independent: a peer that does not read its answers is still read from until the
// soft budget of pending output is used up; then TCP pushes back on it, and past the hard budget or the write
// deadline it is cut.
//
// Thread safety: created by its router on the reactor's thread and pinned there. Ownership: the router and
// the reactor's job queue hold references; the descriptor belongs to the actor.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "actors/messages/close_reason.hpp"
#include "actors/runtime/pinned_actor.hpp"
#include "actors/transport/output_queue.hpp"
#include "actors/transport/shard.hpp"
#include "proto/foreign.hpp"
#include "proto/frame.hpp"

namespace weft {

/// Figures of one connection, read by its router on the same thread.
struct connection_status {
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t frames_read = 0;
  coro::clock::time_point opened{};
  coro::clock::time_point last_read{};
  std::size_t pending_output = 0;
  /// Of the frame that is not complete yet.
  std::size_t unfinished_bytes = 0;
};

/// Connection to router, its last message.
class connection_closed final : public actor_message {
 public:
  connection_closed(connection_key key, close_reason why) noexcept
      : actor_message(type::connection_closed), from(key), reason(why) {}
  connection_key from;
  close_reason reason;
};

/// Connection to router, which has asked for it: little is left to be written.
class output_drained final : public actor_message {
 public:
  explicit output_drained(connection_key key) noexcept : actor_message(type::output_drained), from(key) {}
  connection_key from;
};

class connection final : public pinned_actor, private event_handler, private coro::timer {
 public:
  connection(caf::actor_config& config, reactor& home, shard& shared, int descriptor, connection_key key,
             caf::strong_actor_ptr router);
  ~connection() override;

  const connection_status& status() const noexcept { return status_; }
  const char* name() const override { return "connection"; }

  /// Begins to read; the router calls this once, after it has registered the connection.
  void start();
  /// Ends it as soon as the router's turn is over.
  void cut(close_reason why);

 private:
  enum class reading : std::uint8_t { on, paused, ended, discarding };

  // -- pinned_actor
  void receive(actor_message& message) override;
  void on_terminate() override;
  void on_exception(std::string_view what) noexcept override;
  // -- event_handler
  void on_events(std::uint32_t mask) override;
  // -- coro::timer
  void on_expiry() override;

  void on_ready(std::uint32_t mask);
  void on_time();
  void read();
  void take(std::string_view bytes);
  void count_unfinished();
  /// Requests that the router has put back.
  void take_deferred();
  void scan(inbound_batch& batch, std::string_view payload);
  void forward(message_pool<inbound_batch>::pointer batch);
  void on_end_of_stream();
  void on_broken_stream(proto::frame_error error);

  void write(outbound_batch& batch);
  bool send_now(std::string_view bytes, std::size_t& sent);
  void flush();
  void after_write();
  void update_interest();
  bool over_budget();
  void finish_writing();

  void schedule(coro::clock::time_point due);
  coro::clock::time_point check_timeouts(coro::clock::time_point now);
  coro::clock::time_point check_liveness(coro::clock::time_point now);
  /// A process that was stopped, or got no time, finds its timers expired before it reads what came
  /// meanwhile.
  bool unread() const noexcept;
  void send_heartbeat();
  void close(close_reason why);

  shard& shared_;
  int descriptor_;
  connection_key key_;
  caf::strong_actor_ptr router_;
  proto::frame_reader reader_;
  proto::stream_beginning beginning_;
  /// Whole frames that the router has put back until the output has room, and those that it looks at again.
  struct put_back {
    std::string waiting;
    std::string resumed;
  };
  std::unique_ptr<put_back> put_back_;
  output_queue output_;
  connection_status status_;
  std::uint32_t interest_ = 0;
  reading reading_ = reading::on;
  /// At so much pending output or less, the router is told; 0 when it has not asked.
  std::size_t tell_below_ = 0;
  bool finishing_ = false;
  bool write_closed_ = false;
  close_reason reason_ = close_reason::shutdown;
  std::chrono::milliseconds heartbeat_{0};
  coro::clock::time_point frame_started_{};
  coro::clock::time_point write_progress_{};
  coro::clock::time_point discard_until_{};
  coro::clock::time_point heartbeat_sent_{};
};

}  // namespace weft
