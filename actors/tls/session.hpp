// One TLS connection over a non-blocking socket: whoever owns the socket waits for it to be ready, and calls.
//
//     handshake() until it is done; then read and write, in any order; shutdown() before the socket is
//     closed.
//
// No call blocks. `wants_read` and `wants_write` say what to wait for before the same call is repeated:
// reading may have to write (TLS 1.2 and keys that are renewed), and writing to read.
//
// Ownership: the socket is its owner's and must outlive the session; the context is shared. Thread safety:
// one thread at a time. Errors: `error()` is a sentence for a log; a session that has failed stays so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/tls/context.hpp"
#include "actors/tls/names.hpp"

namespace weft::tls {

enum class progress : std::uint8_t {
  done,
  wants_read,
  wants_write,
  /// The peer has said that it sends no more (close_notify); it may still be written to.
  closed,
  /// The stream ended without that: the peer's process may have died, or somebody cut the connection.
  truncated,
  failed,
};

struct transfer {
  progress what = progress::done;
  /// How many were moved, which with `wants_write` may be some already.
  std::size_t bytes = 0;
};

/// What a session failed for, as metrics count it.
enum class failure : std::uint8_t {
  none,
  /// This side refused the other's certificate, or missed it.
  certificate,
  /// The other side has refused this one's, or said so about something else, in an alert.
  refused,
  /// No version, cipher or protocol in common, or bytes against the rules.
  protocol,
  /// The peer does not speak TLS.
  foreign,
  /// The socket, or the end of the stream during the handshake.
  connection,
};

/// Whom a client dials, and what it demands.
struct dialled {
  /// The name that the certificate must have: the host, or another one by option. Sent as SNI unless it is an
  /// address.
  std::string server_name;
  /// HOST:PORT: sessions are resumed with the same destination only.
  std::string destination{};
  /// Names (DNS, address or URI) of which the certificate must have one; empty for any.
  std::vector<std::string> demanded{};
  /// Whether `server_name` is checked; it is, whatever this says, unless `demanded` has a name.
  bool check_server_name = true;
};

class session {
 public:
  /// The side that was connected to. `demanded` is as in `dialled`, for clients that present a certificate.
  static session accept(std::shared_ptr<const context> server, int descriptor,
                        std::vector<std::string> demanded = {});
  static session connect(std::shared_ptr<const context> client, int descriptor, const dialled& to);
  session(session&&) noexcept;
  session& operator=(session&&) noexcept;
  ~session();

  /// `done`, `wants_read`, `wants_write` or `failed`.
  progress handshake();

  /// At most one record (16 KiB). `done` is never without bytes, unless `into` is empty.
  transfer read(std::span<char> into);
  /// As much as the socket takes. After `wants_write` (or `wants_read`) the next call must begin with the
  /// first byte that was not taken and have all that this one had: a record of them is on its way. They may
  /// have moved.
  transfer write(std::span<const char> from);
  /// Whether `read` may have something although the socket is not readable: so read until `wants_read`.
  bool pending() const;

  /// Tells the peer that nothing more will be sent; does not wait for its word. `done` when there is nothing
  /// to tell any more. In the middle of a write that is so, too: what was sent is not complete, as the peer
  /// sees.
  progress shutdown();

  /// Empty unless something failed, or the stream was truncated.
  const std::string& error() const noexcept;
  failure cause() const noexcept;

  /// Of the peer's certificate, when there is one that was verified; known after the handshake.
  const std::vector<san>& peer_names() const noexcept;
  /// For logs; empty without a certificate.
  const std::string& peer_subject() const noexcept;
  std::optional<time_point> peer_expires() const noexcept;
  /// "TLSv1.3", "TLS_AES_256_GCM_SHA384", "weft/1"; the last one is empty when the other side did not ask.
  std::string_view version() const;
  std::string_view cipher() const;
  std::string_view protocol() const;
  bool resumed() const;

 private:
  struct state;
  friend struct callbacks;
  explicit session(std::unique_ptr<state> made);
  std::unique_ptr<state> state_;
};

}  // namespace weft::tls
