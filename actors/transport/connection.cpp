#include "actors/transport/connection.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/message.hpp"

namespace weft {
namespace {

using coro::clock;

// How long a connection that was refused may go on sending before it is cut: closing with unread input would
// reset the connection and destroy the answer that says why.
constexpr auto discard_time = std::chrono::seconds(1);
// For the loop to read what a timer found waiting.
constexpr auto look_again = std::chrono::milliseconds(1);

bool is_cut(close_reason reason) {
  return reason == close_reason::output_budget || reason == close_reason::write_deadline ||
         reason == close_reason::heartbeat_lost;
}

/// A process that was stopped, or got no time, finds its timers expired before it reads what came meanwhile.
bool has_unread(int descriptor) noexcept {
  char first = 0;
  return ::recv(descriptor, &first, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

close_reason reason_of_errno(int error) noexcept {
  if (error == ECONNABORTED) return close_reason::truncated;
  return error == EPROTO ? close_reason::tls_failed : close_reason::reset;
}

constexpr std::string_view heartbeat_request = R"({"jsonrpc":"2.0","id":"heartbeat","method":"heartbeat"})";
constexpr std::string_view heartbeat_notification = R"({"jsonrpc":"2.0","method":"heartbeat"})";

}  // namespace

connection::connection(caf::actor_config& config, reactor& home, reactor_resources& shared, int descriptor,
                       connection_key key, caf::strong_actor_ptr router,
                       std::unique_ptr<tls::session>&& session)
    : pinned_actor(config, home),
      shared_(shared),
      socket_(descriptor, std::move(session)),
      key_(key),
      router_(std::move(router)),
      input_(shared, status_),
      output_(home, status_) {
  status_.opened = status_.last_read = home.now();
  home.metrics().add(metric::actors_connection);
  home.metrics().add(metric::tcp_connections);
}

connection::~connection() = default;

void connection::start() {
  interest_ = EPOLLIN;
  home().descriptors().add(socket_.descriptor(), interest_, *this);
  // The first frames may have come with the end of the handshake.
  if (socket_.has_buffered()) wait_for_turn();
  if (shared_.options.limits.idle_timeout.count() > 0)
    schedule(home().now() + shared_.options.limits.idle_timeout);
}

void connection::cut(close_reason why) {
  input_.forget_unfinished();
  close(why);
}

void connection::receive(actor_message& message) {
  switch (message.what()) {
    case actor_message::type::outbound_batch:
      write(static_cast<outbound_batch&>(message));
      break;
    case actor_message::type::close:
      close(static_cast<close_message&>(message).why);
      break;
    default:
      break;
  }
}

void connection::on_terminate() {
  home().disarm(*this);
  home().descriptors().remove(socket_.descriptor(), *this);
  if (waits_for_turn_) home().turns().remove(*this);
  input_.forget_unfinished();
  socket_.close(is_cut(ending_.why));
  shared_.counters.connections.fetch_sub(1, std::memory_order_relaxed);
  auto& metrics = home().metrics();
  metrics.add(metric::tcp_closed);
  metrics.add(metric::tcp_connections, -1);
  metrics.add(metric::actors_connection, -1);
  send_to(router_, make_actor_message<connection_closed>(key_, ending_.why));
}

void connection::close(close_reason why) {
  if (terminated()) return;
  ending_.why = why;
  terminate();
  // The end is carried out by the actor's own turn, which a message to itself brings about outside of one.
  send_to(caf::actor_cast<caf::strong_actor_ptr>(this), shared_.outbound.take());
}

void connection::on_events(std::uint32_t mask) {
  guarded([&] { on_ready(mask); });
}

void connection::on_expiry() {
  guarded([this] { on_time(); });
}

void connection::on_exception(std::string_view what) noexcept {
  home().metrics().add(metric::actor_failures);
  shared_.log->error("connection {}: {}", key_.slot, what);
  close(close_reason::failed);
}

void connection::on_ready(std::uint32_t mask) {
  if (terminated()) return;
  if (socket_.session() != nullptr) [[unlikely]]
    mask = socket_.meaning(mask);
  if ((mask & (EPOLLERR | EPOLLHUP)) != 0 && (interest_ & EPOLLIN) == 0) return close(close_reason::reset);
  if ((mask & EPOLLOUT) != 0) flush();
  if ((mask & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0 || terminated()) return;
  if (long_winded_ && reading_ == reading::on) [[unlikely]]
    return wait_for_turn();
  read();
}

void connection::wait_for_turn() {
  if (waits_for_turn_) return;
  waits_for_turn_ = true;
  turn_asked_ = home().now();
  home().turns().wait(*this);
  home().metrics().add(metric::turns_waited);
  set_interest();
}

void connection::on_turn() {
  guarded([this] {
    waits_for_turn_ = false;
    if (terminated()) return;
    // The time of a frame that has begun is its sender's, not ours.
    if (const auto started = input_.frame_started(); started != clock::time_point{}) {
      input_.start_frame(started + (home().now() - turn_asked_));
      schedule(input_.frame_started() + shared_.options.limits.frame_timeout);
    }
    if (input_.has_put_back())
      resume_put_back();
    else
      read();
    if (!terminated()) update_interest();
  });
}

void connection::read() {
  // Another event of the same turn may have paused it.
  if (reading_ != reading::on && reading_ != reading::discarding) return;
  // What was read last is not yet looked at. The bytes stay where they are, and so tell of themselves again.
  if (shared_.inbound.lent() > 0) [[unlikely]]
    return read_on();
  const auto got = socket_.read(home().read_buffer(), reactor::read_buffer_bytes);
  if (got > 0) {
    const auto count = static_cast<std::size_t>(got);
    home().metrics().add(metric::bytes_read, got);
    status_.bytes_read += count;
    status_.last_read = home().now();
    if (reading_ == reading::on)
      take({home().read_buffer(), count},
           count > inbound_batch::few_bytes ? clock::now() : clock::time_point{});
  } else if (got == 0) {
    on_end_of_stream();
  } else if (errno != EAGAIN && errno != EINTR) {
    close(reason_of_errno(errno));
  }
  read_on();
}

void connection::read_on() {
  if (socket_.session() == nullptr || terminated()) [[likely]]
    return;
  const bool reads = reading_ == reading::on || reading_ == reading::discarding;
  if (reads && socket_.has_buffered()) return wait_for_turn();
  update_interest();
}

void connection::take(std::string_view bytes, clock::time_point began) {
  auto batch = shared_.inbound.take();
  batch->began = began;
  input_.take(bytes, *batch);
  const bool over = shared_.unfinished_bytes > shared_.options.limits.unfinished_frame_bytes;
  if (over && input_.mid_frame()) [[unlikely]]
    send_to(router_, make_actor_message<unfinished_frames>());
  const bool broken = batch->broken != proto::frame_error::none;
  if (broken) on_broken_stream(batch->broken);
  if (broken || !batch->items.empty()) forward(std::move(batch));
  if (reading_ != reading::on || !input_.mid_frame()) {
    input_.start_frame({});
  } else if (input_.frame_started() == clock::time_point{}) {
    input_.start_frame(home().now());
    schedule(home().now() + shared_.options.limits.frame_timeout);
  }
}

void connection::forward(message_pool<inbound_batch>::pointer batch) {
  batch->from = key_;
  batch->received = home().now();
  send_to(router_, std::move(batch));
}

void connection::on_end_of_stream() {
  if (reading_ == reading::discarding && ending_.write_closed) return close(ending_.why);
  // What came before the stream broke is still answered.
  if (reading_ == reading::discarding) {
    reading_ = reading::ended;
    return update_interest();
  }
  if (input_.mid_frame()) {
    home().metrics().add(metric::framing_errors);
    shared_.log->debug("connection {}: the stream ended inside a frame, after {} bytes of it", key_.slot,
                       input_.buffered_bytes());
  }
  // Someone who was introduced is a party to the mesh, and a party that hangs up is gone. A plain client may
  // close its sending side only and still wants its answers.
  if (heartbeat_.interval.count() > 0) return close(close_reason::end_of_stream);
  reading_ = reading::ended;
  ending_.why = close_reason::end_of_stream;
  update_interest();
  heartbeat_.sent = home().now();
  on_time();
  auto batch = shared_.inbound.take();
  batch->end_of_stream = true;
  forward(std::move(batch));
}

void connection::on_broken_stream(proto::frame_error error) {
  home().metrics().add(metric::framing_errors);
  if (error == proto::frame_error::too_large) home().metrics().add(metric::limit_frame_bytes);
  reading_ = reading::discarding;
  ending_.why = close_reason::framing_error;
  if (status_.frames_read == 0) ending_.why = input_.foreign();
  ending_.discard_until = home().now() + discard_time;
  schedule(ending_.discard_until);
}

void connection::write(outbound_batch& batch) {
  if (terminated()) return;
  if (batch.heartbeat) {
    heartbeat_.interval = *batch.heartbeat;
    schedule(home().now() + heartbeat_.interval);
  }
  if (batch.finish) ending_.finishing = true;
  if (batch.tell_below != 0) tell_below_ = batch.tell_below;
  if (batch.frame_limit != 0) input_.limit_frames(batch.frame_limit);
  if (ending_.write_closed) return;
  if (!output_.write(socket_, batch)) return close(close_reason::reset);
  after_write();
}

void connection::flush() {
  if (!output_.flush(socket_)) return close(close_reason::reset);
  after_write();
}

void connection::after_write() {
  if (tell_below_ != 0 && output_.size() <= tell_below_) [[unlikely]] {
    tell_below_ = 0;
    send_to(router_, make_actor_message<output_drained>(key_));
  }
  if (output_.empty()) {
    if (ending_.finishing && !ending_.write_closed) return finish_writing();
  } else {
    if (over_budget()) return;
    schedule(output_.progress() + shared_.options.limits.write_deadline);
  }
  update_interest();
}

bool connection::over_budget() {
  if (output_.size() <= shared_.options.limits.output_hard_bytes) return false;
  home().metrics().add(metric::limit_output_hard);
  shared_.log->warn("connection {}: cut, {} bytes of pending output (limits.output_hard_bytes)", key_.slot,
                    output_.size());
  close(close_reason::output_budget);
  return true;
}

void connection::finish_writing() {
  if (reading_ != reading::ended && !socket_.finish_writing()) return update_interest();
  ending_.write_closed = true;
  if (reading_ == reading::ended) return close(ending_.why);
  if (reading_ == reading::on || reading_ == reading::paused) ending_.why = close_reason::finished;
  reading_ = reading::discarding;
  ending_.discard_until = home().now() + discard_time;
  schedule(ending_.discard_until);
  update_interest();
}

void connection::update_reading() {
  const auto soft = shared_.options.limits.output_soft_bytes;
  const bool over = output_.size() > soft;
  if (over && !over_soft_budget_) home().metrics().add(metric::limit_output_soft);
  // A connection that waits for turns is not woken often.
  const bool has_room = output_.size() <= (long_winded_ ? soft : soft / 2);
  over_soft_budget_ = over || (over_soft_budget_ && !has_room);
  if (input_.has_put_back() && !input_.is_resumed() && has_room && !ending_.write_closed) wait_for_turn();
  if (reading_ == reading::on && (over || input_.has_put_back())) {
    reading_ = reading::paused;
  } else if (reading_ == reading::paused && has_room && !input_.has_put_back()) {
    reading_ = reading::on;
    if (input_.frame_started() == clock::time_point{}) return;
    input_.start_frame(home().now());
    schedule(home().now() + shared_.options.limits.frame_timeout);
  }
}

void connection::put_back(std::string_view frames, bool resumed, proto::frame_error broke) {
  input_.put_back(frames, resumed, broke);
  if (reading_ != reading::on) return;
  reading_ = reading::paused;
  set_interest();
}

bool connection::end_resumed() noexcept {
  input_.end_resumed();
  return input_.has_put_back();
}

void connection::resume_put_back() {
  if (input_.is_resumed() || ending_.write_closed) return;
  auto batch = shared_.inbound.take();
  batch->began = clock::now();
  input_.resume(*batch);
  forward(std::move(batch));
}

void connection::update_interest() {
  const bool at_rest = reading_ == reading::on && output_.empty() && !input_.has_put_back();
  if (!at_rest) [[unlikely]] {
    update_reading();
    if (reading_ == reading::on && !waits_for_turn_ && socket_.has_buffered()) return wait_for_turn();
  }
  set_interest();
}

void connection::set_interest() {
  const bool wants_input = (reading_ == reading::on && !waits_for_turn_) || reading_ == reading::discarding;
  const auto wanted = socket_.events(wants_input, !output_.empty());
  if (wanted == interest_) return;
  interest_ = wanted;
  home().descriptors().change(socket_.descriptor(), interest_, *this);
}

void connection::schedule(clock::time_point due) {
  if (!armed() || due < coro::timer::due()) home().arm(*this, due);
}

void connection::on_time() {
  if (terminated()) return;
  const auto now = home().now();
  const auto& limits = shared_.options.limits;
  if (reading_ == reading::discarding && now >= ending_.discard_until) {
    if (!input_.is_behind() || ending_.write_closed) return close(ending_.why);
    ending_.discard_until = now + discard_time;
  }
  const connection_times times{
      .input = reading_,
      .frame_started = waits_for_turn_ ? clock::time_point{} : input_.frame_started(),
      .last_read = status_.last_read,
      .has_output = !output_.empty(),
      .write_progress = output_.progress(),
      .heartbeat = heartbeat_.interval,
      .heartbeat_sent = heartbeat_.sent,
  };
  auto next = reading_ == reading::discarding ? ending_.discard_until : timeout_verdict::never;
  for (const auto check : {check_progress, check_liveness}) {
    const auto verdict = check(times, limits, now);
    if (verdict.over &&
        !(verdict.over->for_silence && reading_ == reading::on && has_unread(socket_.descriptor()))) {
      home().metrics().add(verdict.over->counted);
      return close(verdict.over->why);
    }
    if (verdict.send_heartbeat) send_heartbeat();
    next = std::min(next, verdict.over ? now + look_again : verdict.look_again);
  }
  if (!terminated() && next != timeout_verdict::never) schedule(next);
}

void connection::send_heartbeat() {
  heartbeat_.sent = home().now();
  std::string frame;
  proto::append_frame(frame, reading_ == reading::ended ? heartbeat_notification : heartbeat_request);
  output_.queue_urgent(frame);
  flush();
}

}  // namespace weft
