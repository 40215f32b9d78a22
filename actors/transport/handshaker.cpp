#include "actors/transport/handshaker.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "actors/tls/identity_files.hpp"
#include "actors/transport/network.hpp"
#include "proto/foreign.hpp"
#include "proto/frame.hpp"
#include "proto/message.hpp"

namespace weft {
namespace {

// Several round trips around the world: who has had it makes room for others.
constexpr std::chrono::milliseconds fair_time{500};
// For the other side to read why it was refused: closing with unread input would reset the connection.
constexpr std::chrono::milliseconds ending_time{1'000};
// Handshakes that are ended or begun in one turn of the loop, which others wait for.
constexpr int most_in_a_turn = 16;

bool has_input(int descriptor) noexcept {
  char first = 0;
  return ::recv(descriptor, &first, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

}  // namespace

metric outcome_of(tls::failure cause) noexcept {
  switch (cause) {
    case tls::failure::none:
      return metric::tls_completed;
    case tls::failure::certificate:
      return metric::tls_certificate;
    case tls::failure::refused:
      return metric::tls_refused;
    case tls::failure::protocol:
      return metric::tls_protocol;
    case tls::failure::foreign:
      return metric::tls_foreign;
    case tls::failure::connection:
      break;
  }
  return metric::tls_connection;
}

handshaker::handshaker(caf::actor_config& config, reactor& home, reactor_resources& shared,
                       caf::strong_actor_ptr router)
    : pinned_actor(config, home), shared_(shared), router_(std::move(router)) {}

handshaker::~handshaker() {
  for (auto* list : {&all_, &ending_}) {
    for (auto& each : *list) ::close(each.descriptor);
  }
}

void handshaker::receive(actor_message& message) {
  if (message.what() == actor_message::type::adopt_socket)
    accept(static_cast<adopt_socket&>(message));
  else if (message.what() == actor_message::type::close)
    terminate();
}

void handshaker::on_terminate() {
  home().disarm(*this);
  while (!all_.empty()) drop(all_.front());
  while (!ending_.empty()) drop(ending_.front());
  router_.reset();
}

void handshaker::on_exception(std::string_view what) noexcept {
  home().metrics().add(metric::actor_failures);
  shared_.log->error("handshaker {}: {}", home().index(), what);
}

void handshaker::accept(adopt_socket& socket) {
  auto& added = all_.emplace_back(*this, std::exchange(socket.descriptor, -1), socket.address,
                                  home().now() + shared_.options.limits.handshake_timeout);
  added.self = std::prev(all_.end());
  home().metrics().add(metric::tls_running);
  home().descriptors().add(added.descriptor, EPOLLIN, added);
  schedule();
}

void handshaker::on_ready(attempt& of) {
  guarded([&] {
    if (of.is == stage::ending) return discard(of);
    // The end of a connection is told also to who wants no events, again and again.
    if (of.has_turn) return;
    if (of.is == stage::waiting || (of.is == stage::silent && !has_input(of.descriptor))) return forget(of);
    home().descriptors().change(of.descriptor, 0, of);
    if (of.is == stage::silent) return enter(of);
    of.has_turn = true;
    home().turns().wait(of);
  });
}

/// Nobody is there any more: a probe that only wanted to see the port open, perhaps.
void handshaker::forget(attempt& of) {
  home().metrics().add(metric::tls_connection);
  drop(of);
}

void handshaker::enter(attempt& of) {
  if (running_.size() < shared_.options.limits.handshakes || make_room()) return begin(of);
  home().metrics().add(metric::limit_handshakes);
  of.is = stage::waiting;
  of.place = waiting_.insert(waiting_.end(), &of);
  schedule();
}

void handshaker::begin(attempt& of) {
  of.is = stage::running;
  of.begun = home().now();
  of.place = running_.insert(running_.end(), &of);
  of.has_turn = true;
  home().turns().wait(of);
}

bool handshaker::make_room() {
  auto& oldest = *running_.front();
  if (home().now() < oldest.begun + fair_time) return false;
  fail(oldest, metric::tls_displaced,
       fmt::format(
           "not finished after {} ms, while others waited for its place (limits.handshakes)",
           std::chrono::duration_cast<std::chrono::milliseconds>(home().now() - oldest.begun).count()));
  return true;
}

void handshaker::on_step(attempt& of) {
  of.has_turn = false;
  guarded([&] { step(of); });
}

void handshaker::step(attempt& of) {
  if (!of.session) of.session = tls::session::accept(shared_.options.tls.identity->server(), of.descriptor);
  switch (of.session->handshake()) {
    case tls::progress::done:
      return hand_over(of);
    case tls::progress::wants_read:
      return home().descriptors().change(of.descriptor, EPOLLIN, of);
    case tls::progress::wants_write:
      return home().descriptors().change(of.descriptor, EPOLLOUT, of);
    default:
      if (of.session->cause() == tls::failure::foreign) answer_foreign(of);
      fail(of, outcome_of(of.session->cause()), of.session->error());
      fill_places();
  }
}

void handshaker::hand_over(attempt& of) {
  home().metrics().add(metric::tls_completed);
  home().descriptors().remove(of.descriptor, of);
  leave_place(of);
  auto session = std::make_unique<tls::session>(std::move(*of.session));
  send_to(router_,
          make_actor_message<adopt_socket>(std::exchange(of.descriptor, -1), of.from, std::move(session)));
  home().metrics().add(metric::tls_running, -1);
  all_.erase(of.self);
  fill_places();
}

/// A frame, so that a client of the mesh understands what others at least can read.
void handshaker::answer_foreign(const attempt& of) {
  std::string frame;
  const auto start = proto::begin_frame(frame);
  proto::append_error(
      frame, {},
      make_mesh_error(error_code::unavailable, "this port speaks TLS; connect to it as tls://HOST:PORT",
                      executed::no, shared_.options.id));
  proto::end_frame(frame, start);
  [[maybe_unused]] const auto sent =
      ::send(of.descriptor, frame.data(), frame.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void handshaker::fail(attempt& of, metric outcome, const std::string& why) {
  home().metrics().add(outcome);
  if (const auto left_out = lines_.take(home().now())) {
    shared_.log->warn("connection from {}: no TLS session: {}{}", format_address(of.from), why,
                      left_out_note(*left_out));
  }
  give_up(of);
}

void handshaker::give_up(attempt& of) {
  leave_place(of);
  of.session.reset();
  of.is = stage::ending;
  of.due = home().now() + ending_time;
  ending_.splice(ending_.end(), all_, of.self);
  home().metrics().add(metric::tls_running, -1);
  ::shutdown(of.descriptor, SHUT_WR);
  home().descriptors().change(of.descriptor, EPOLLIN, of);
  schedule();
}

void handshaker::leave_place(attempt& of) noexcept {
  if (std::exchange(of.has_turn, false)) home().turns().remove(of);
  if (of.is == stage::waiting) waiting_.erase(of.place);
  if (of.is == stage::running) running_.erase(of.place);
  of.is = stage::silent;
}

void handshaker::fill_places() {
  for (int i = 0; i < most_in_a_turn && !waiting_.empty(); ++i) {
    if (running_.size() >= shared_.options.limits.handshakes && !make_room()) break;
    auto& youngest = *waiting_.back();
    waiting_.pop_back();
    begin(youngest);
  }
  schedule();
}

void handshaker::discard(attempt& of) {
  std::array<char, 4096> bytes{};
  const auto got = ::recv(of.descriptor, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) drop(of);
}

void handshaker::drop(attempt& of) noexcept {
  const bool ends = of.is == stage::ending;
  leave_place(of);
  home().descriptors().remove(of.descriptor, of);
  ::close(of.descriptor);
  shared_.counters.connections.fetch_sub(1, std::memory_order_relaxed);
  if (!ends) home().metrics().add(metric::tls_running, -1);
  (ends ? ending_ : all_).erase(of.self);
}

void handshaker::on_expiry() {
  guarded([this] {
    const auto now = home().now();
    for (int i = 0; i < most_in_a_turn && !ending_.empty() && now >= ending_.front().due; ++i)
      drop(ending_.front());
    for (int i = 0; i < most_in_a_turn && !all_.empty() && now >= all_.front().due; ++i) {
      auto& late = all_.front();
      home().metrics().add(metric::limit_handshake_timeout);
      fail(late, metric::tls_timeout,
           fmt::format("{} within {} ms (limits.handshake_timeout)",
                       late.is == stage::silent ? "nothing has come" : "the handshake was not finished",
                       shared_.options.limits.handshake_timeout.count()));
    }
    fill_places();
  });
}

void handshaker::schedule() {
  auto next = clock::time_point::max();
  if (!all_.empty()) next = all_.front().due;
  if (!ending_.empty()) next = std::min<clock::time_point>(next, ending_.front().due);
  // While one is on its way out there may be none that runs.
  if (!waiting_.empty())
    next = running_.empty() ? home().now()
                            : std::min<clock::time_point>(next, running_.front()->begun + fair_time);
  if (next != clock::time_point::max() && (!armed() || next < coro::timer::due())) home().arm(*this, next);
}

}  // namespace weft
