#include "actors/transport/socket_output.hpp"

#include <cerrno>

namespace weft {

bool socket_output::write(stream_socket& socket, const outbound_batch& batch) {
  std::size_t urgent_sent = 0;
  std::size_t bulk_sent = 0;
  if (queue_.empty()) {
    progress_ = home_.now();
    if (!batch.urgent.empty() && !send(socket, batch.urgent, urgent_sent)) return false;
    const bool next = urgent_sent == batch.urgent.size();
    if (next && !batch.bulk.empty() && !send(socket, batch.bulk, bulk_sent)) return false;
  }
  // What the kernel did not take is queued as whole frames, then the written part is marked as such.
  if (urgent_sent < batch.urgent.size()) queue_.append_urgent(batch.urgent), queue_.consume(urgent_sent);
  if (bulk_sent < batch.bulk.size()) {
    queue_.append(batch.bulk), queue_.consume(bulk_sent);
    queue_.begin(socket.begun());
  }
  status_.pending_output = queue_.size();
  return true;
}

bool socket_output::send(stream_socket& socket, std::string_view bytes, std::size_t& sent) {
  const auto count = socket.write(bytes);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  sent = static_cast<std::size_t>(count);
  home_.metrics().add(metric::bytes_written, count);
  status_.bytes_written += sent;
  return true;
}

bool socket_output::flush(stream_socket& socket) {
  while (!queue_.empty()) {
    std::size_t sent = 0;
    if (!send(socket, queue_.front(), sent)) return false;
    if (sent == 0) break;
    progress_ = home_.now();
    queue_.consume(sent);
  }
  if (!queue_.empty()) queue_.begin(socket.begun());
  status_.pending_output = queue_.size();
  return true;
}

void socket_output::queue_urgent(std::string_view frame) {
  if (queue_.empty()) progress_ = home_.now();
  queue_.append_urgent(frame);
}

}  // namespace weft
