#include "actors/tls/descriptor_bio.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>

#include <sys/socket.h>

namespace weft::tls {
namespace {

channel& channel_of(BIO* bio) {
  return *static_cast<channel*>(BIO_get_data(bio));
}

void keep_beginning(channel& through, std::string_view bytes) {
  const auto taken = bytes.substr(0, through.beginning.size() - through.beginning_size);
  std::ranges::copy(taken, through.beginning.begin() + static_cast<std::ptrdiff_t>(through.beginning_size));
  through.beginning_size += taken.size();
}

/// Whether the call can be repeated when the descriptor is ready.
bool must_wait(channel& through) {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
  through.error = errno;
  return false;
}

int read_some(BIO* bio, char* into, int size) noexcept {
  channel& through = channel_of(bio);
  BIO_clear_retry_flags(bio);
  ssize_t count = 0;
  do {
    count = ::recv(through.descriptor, into, static_cast<std::size_t>(size), 0);
  } while (count < 0 && errno == EINTR);
  if (count > 0) keep_beginning(through, {into, static_cast<std::size_t>(count)});
  if (count == 0) through.ended = true;
  if (count < 0 && must_wait(through)) BIO_set_retry_read(bio);
  return static_cast<int>(count);
}

int write_some(BIO* bio, const char* from, int size) noexcept {
  channel& through = channel_of(bio);
  BIO_clear_retry_flags(bio);
  ssize_t count = 0;
  do {
    count = ::send(through.descriptor, from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && must_wait(through)) BIO_set_retry_write(bio);
  return static_cast<int>(count);
}

long control(BIO* bio, int command, long, void*) noexcept {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return channel_of(bio).ended ? 1 : 0;
    default:
      return 0;
  }
}

using method_ptr = std::unique_ptr<BIO_METHOD, released_by<BIO_meth_free>>;

method_ptr make_method() {
  method_ptr method(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weft descriptor"));
  if (method == nullptr || BIO_meth_set_read(method.get(), read_some) != 1 ||
      BIO_meth_set_write(method.get(), write_some) != 1 || BIO_meth_set_ctrl(method.get(), control) != 1)
    return nullptr;
  return method;
}

}  // namespace

bio_ptr make_descriptor_bio(channel& through) {
  // A table of functions, the same for all.
  static const method_ptr method = make_method();
  bio_ptr bio(method ? BIO_new(method.get()) : nullptr);
  if (!bio) return bio;
  BIO_set_data(bio.get(), &through);
  BIO_set_init(bio.get(), 1);
  return bio;
}

}  // namespace weft::tls
