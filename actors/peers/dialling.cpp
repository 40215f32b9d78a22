#include "actors/peers/dialling.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <unistd.h>

#include "actors/runtime/one_shot.hpp"
#include "actors/tls/identity_files.hpp"
#include "actors/transport/handshaker.hpp"
#include "actors/transport/network.hpp"

namespace weft {

coro::task<dialling::addresses> dialling::look_up(dialling* self, caf::actor_system* system,
                                                  caf::strong_actor_ptr me, host_port address,
                                                  coro::cancel_scope life) {
  if (auto numeric = numeric_address(address); !numeric.empty()) co_return numeric;
  coro::completion<addresses> found;
  self->resolved_ = &found;
  // A thread of its own: those of the scheduler belong to blocking handlers.
  system->spawn<one_shot, caf::detached>([me = std::move(me), address = std::move(address)] {
    auto answer = make_actor_message<address_resolved>();
    answer->found = resolve_host(address);
    me->enqueue(caf::mailbox_element_ptr(answer.release()), nullptr);
  });
  auto answer = co_await found.wait(life);
  self->resolved_ = nullptr;
  if (!answer) co_return std::unexpected(std::string(to_string(answer.error())));
  co_return std::move(*answer);
}

coro::task<std::expected<int, std::string>> dialling::connect(dialling* self, sockaddr_storage address,
                                                              coro::cancel_scope life) {
  const int descriptor = ::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) co_return std::unexpected(std::string(std::strerror(errno)));
  set_connection_options(descriptor, self->options_.tcp);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), length_of(address)) != 0 &&
      errno != EINPROGRESS) {
    const std::string error = std::strerror(errno);
    ::close(descriptor);
    co_return std::unexpected(error);
  }
  coro::completion<int> connected;
  self->connecting_ = descriptor;
  self->connected_ = &connected;
  self->home_.descriptors().add(descriptor, EPOLLOUT, *self);
  const auto deadline = self->home_.now() + self->options_.mesh.connect_timeout;
  const auto error = co_await connected.wait(life.child(deadline));
  self->connected_ = nullptr;
  if (error && *error == 0) {
    self->home_.descriptors().remove(descriptor, *self);
    self->connecting_ = -1;
    co_return descriptor;
  }
  self->drop();
  co_return std::unexpected(error ? std::string(std::strerror(*error))
                                  : std::string("no connection in time"));
}

coro::task<std::expected<std::unique_ptr<tls::session>, std::string>> dialling::shake_hands(
    dialling* self, int descriptor, tls::dialled to, coro::cancel_scope life) {
  auto& home = self->home_;
  auto session = std::make_unique<tls::session>(
      tls::session::connect(self->options_.tls.identity->client(), descriptor, to));
  self->connecting_ = descriptor;
  self->in_handshake_ = true;
  home.descriptors().add(descriptor, 0, *self);
  const auto until = home.now() + self->options_.mesh.connect_timeout;
  std::string error;
  for (;;) {
    const auto what = session->handshake();
    if (what == tls::progress::done) break;
    if (what == tls::progress::failed) {
      home.metrics().add(outcome_of(session->cause()));
      error = session->error();
      break;
    }
    coro::completion<int> ready;
    self->connected_ = &ready;
    home.descriptors().change(descriptor, what == tls::progress::wants_read ? EPOLLIN : EPOLLOUT, *self);
    const auto come = co_await ready.wait(life.child(until));
    self->connected_ = nullptr;
    if (come) continue;
    home.metrics().add(metric::tls_timeout);
    error = "no TLS handshake in time; check that this port speaks TLS";
    break;
  }
  self->in_handshake_ = false;
  if (!error.empty()) {
    session.reset();
    self->drop();
    co_return std::unexpected(std::move(error));
  }
  home.metrics().add(metric::tls_completed);
  home.descriptors().remove(descriptor, *self);
  self->connecting_ = -1;
  co_return session;
}

void dialling::on_resolved(address_resolved& message) {
  if (resolved_ != nullptr) resolved_->set(std::move(message.found));
}

void dialling::drop() noexcept {
  in_handshake_ = false;
  if (connecting_ < 0) return;
  home_.descriptors().remove(connecting_, *this);
  ::close(connecting_);
  connecting_ = -1;
}

void dialling::on_events(std::uint32_t) {
  int error = 0;
  socklen_t size = sizeof error;
  // Asking takes the error away from the session, which can say more.
  if (!in_handshake_) ::getsockopt(connecting_, SOL_SOCKET, SO_ERROR, &error, &size);
  home_.descriptors().change(connecting_, 0, *this);
  if (connected_ != nullptr) connected_->set(error);
}

}  // namespace weft
