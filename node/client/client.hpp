// A small blocking client: one connection that sends and receives frames, each with a time limit.
//
// Ownership: owns its socket. Thread safety: one thread at a time.
// After a failure other than a time-out the connection is of no more use.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "node/client/socket.hpp"
#include "node/client/tls_link.hpp"
#include "proto/foreign.hpp"
#include "proto/frame.hpp"

namespace weft::tools {

struct client_error {
  enum class kind : std::uint8_t { timed_out, closed, failed, foreign };
  kind what = kind::failed;
  /// A sentence without the peer's address.
  std::string message;
};

class client {
 public:
  /// Frames over this are refused. Memory grows with what arrives, so the bound may be wide.
  static constexpr std::size_t max_frame_bytes = std::size_t{256} << 20;

  static std::expected<client, std::string> connect(const host_port& address, steady_clock::time_point until,
                                                    const tls_link& link = {});
  /// Takes a connected socket, in non-blocking mode.
  explicit client(unique_fd socket) noexcept : socket_(std::move(socket)), reader_(max_frame_bytes) {}

  /// Sends one frame.
  std::expected<void, client_error> send(std::string_view payload, steady_clock::time_point until);
  /// Sends bytes as they are.
  std::expected<void, client_error> send_bytes(std::string_view bytes, steady_clock::time_point until);
  /// The payload of the next frame.
  std::expected<std::string, client_error> receive(steady_clock::time_point until);
  /// For a caller that waits for more than this connection: receives what is there, without waiting.
  std::expected<void, client_error> receive_some();
  /// The payload of the next frame that has been received; nothing when there is none.
  std::optional<std::string> take_received();
  /// Says that nothing more will be sent; receiving goes on.
  void finish_sending();
  /// Waits for the end of a connection that nothing more is sent on. With TLS that is how its peer tells that
  /// it took what came, and did not refuse this side's certificate afterwards.
  std::expected<void, client_error> await_end(steady_clock::time_point until);

  int native_handle() const noexcept { return socket_.get(); }
  /// The socket, when everything that was received has been taken; not with TLS.
  unique_fd release() && noexcept { return std::move(socket_); }

 private:
  client_error no_frame() const;
  std::expected<void, client_error> wait(short events, steady_clock::time_point until, const char* complaint);
  std::expected<void, client_error> send_encrypted(std::string_view bytes, steady_clock::time_point until);
  std::expected<void, client_error> receive_encrypted();
  void take_bytes(std::string_view bytes);

  unique_fd socket_;
  std::optional<tls::session> tls_;
  /// What the session waits for before it can go on reading.
  short reading_wants_ = 0;
  /// Nothing more can be received, whatever the socket says.
  bool ended_ = false;
  proto::frame_reader reader_;
  proto::stream_beginning beginning_;
  bool framed_ = false;
  /// What ended the stream of frames; those before it are still delivered.
  proto::frame_error broken_ = proto::frame_error::none;
  std::deque<std::string> received_;
};

}  // namespace weft::tools
