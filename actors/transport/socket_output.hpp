// What a connection writes: to its socket at once, and what the kernel does not take from a queue, later.
//
// Thread safety: none; part of a connection, to which the socket belongs.
#pragma once

#include <cstddef>
#include <string_view>

#include "actors/messages/batch.hpp"
#include "actors/runtime/reactor.hpp"
#include "actors/transport/connection_status.hpp"
#include "actors/transport/output_queue.hpp"
#include "actors/transport/stream_socket.hpp"

namespace weft {

class socket_output {
 public:
  /// Keeps the figures of what is written in `status`.
  socket_output(reactor& home, connection_status& status) noexcept : home_(home), status_(status) {}

  bool empty() const noexcept { return queue_.empty(); }
  std::size_t size() const noexcept { return queue_.size(); }
  /// When the kernel took something last, or the queue was empty.
  coro::clock::time_point progress() const noexcept { return progress_; }

  // -- both write what the kernel takes now; false when the socket is broken
  bool write(stream_socket& socket, const outbound_batch& batch);
  bool flush(stream_socket& socket);
  /// A frame that overtakes what waits.
  void queue_urgent(std::string_view frame);

 private:
  bool send(stream_socket& socket, std::string_view bytes, std::size_t& sent);

  reactor& home_;
  connection_status& status_;
  output_queue queue_;
  coro::clock::time_point progress_{};
};

}  // namespace weft
