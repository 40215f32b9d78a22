// One TCP connection, plain or over TLS, as an actor: cuts and scans what it reads, hands it to its router in
// batches, and writes what the router sends back.
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
#include <string_view>

#include "actors/messages/close_reason.hpp"
#include "actors/runtime/pinned_actor.hpp"
#include "actors/transport/frame_input.hpp"
#include "actors/transport/reactor_resources.hpp"
#include "actors/transport/socket_output.hpp"
#include "actors/transport/stream_socket.hpp"
#include "actors/transport/timeouts.hpp"

namespace weft {

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
  connection(caf::actor_config& config, reactor& home, reactor_resources& shared, int descriptor,
             connection_key key, caf::strong_actor_ptr router, std::unique_ptr<tls::session>&& session);
  ~connection() override;

  const connection_status& status() const noexcept { return status_; }
  /// Null for a plain connection.
  const tls::session* session() const noexcept { return socket_.session(); }
  /// Why it ends, once that is known.
  close_reason ends_for() const noexcept { return ending_.why; }
  const char* name() const override { return "connection"; }

  /// Begins to read; the router calls this once, after it has registered the connection.
  void start();
  /// Ends it as soon as the router's turn is over.
  void cut(close_reason why);
  /// Its last messages have taken longer than a slice, or have not: from now on it is read when its turn
  /// comes, or whenever something has come.
  void set_long_winded(bool is) noexcept { long_winded_ = is; }
  /// Whole frames that are to come again once the output has room, and others have had their turn; `resumed`
  /// ones are of those that have come again. How the stream `broke` behind them is told with the last.
  /// Nothing more is read meanwhile.
  void put_back(std::string_view frames, bool resumed, proto::frame_error broke);
  /// The router is done with those that have come again. Are there more?
  bool end_resumed() noexcept;

 private:
  // -- pinned_actor
  void receive(actor_message& message) override;
  void on_terminate() override;
  void on_exception(std::string_view what) noexcept override;
  // -- event_handler
  void on_events(std::uint32_t mask) override;
  void on_turn() override;
  // -- coro::timer
  void on_expiry() override;

  void on_ready(std::uint32_t mask);
  void on_time();
  void read();
  /// Over TLS more may have come than a read takes, and that shows in no event.
  void read_on();
  void wait_for_turn();
  void resume_put_back();
  void take(std::string_view bytes, coro::clock::time_point began);
  void forward(message_pool<inbound_batch>::pointer batch);
  void on_end_of_stream();
  void on_broken_stream(proto::frame_error error);

  void write(outbound_batch& batch);
  void flush();
  void after_write();
  /// Reading pauses while too much waits to be written; what the router has put back comes before the rest.
  void update_reading();
  void update_interest();
  void set_interest();
  bool over_budget();
  void finish_writing();

  void schedule(coro::clock::time_point due);
  void send_heartbeat();
  void close(close_reason why);

  /// How its end comes about.
  struct ending {
    close_reason why = close_reason::shutdown;
    /// Nothing comes behind the output that is there.
    bool finishing = false;
    bool write_closed = false;
    coro::clock::time_point discard_until{};
  };
  struct heartbeats {
    /// 0 for who was not introduced.
    std::chrono::milliseconds interval{0};
    coro::clock::time_point sent{};
  };

  reactor_resources& shared_;
  stream_socket socket_;
  std::uint32_t interest_ = 0;
  connection_key key_;
  caf::strong_actor_ptr router_;
  connection_status status_;
  frame_input input_;
  socket_output output_;
  reading reading_ = reading::on;
  /// At so much pending output or less, the router is told; 0 when it has not asked.
  std::size_t tell_below_ = 0;
  /// Until there is room again: the limit is hit once, however much is added to it.
  bool over_soft_budget_ = false;
  bool long_winded_ = false;
  bool waits_for_turn_ = false;
  coro::clock::time_point turn_asked_{};
  ending ending_;
  heartbeats heartbeat_;
};

}  // namespace weft
