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

constexpr auto never = clock::time_point::max();
// How long a connection that was refused may go on sending before it is cut: closing with unread input would
// reset the connection and destroy the answer that says why.
constexpr auto discard_time = std::chrono::seconds(1);
// A half-closed plain client gets its answers; whether it is still there is asked after this long.
constexpr auto half_closed_probe = std::chrono::seconds(1);
// For the loop to read what a timer found waiting.
constexpr auto look_again = std::chrono::milliseconds(1);

bool is_cut(close_reason reason) {
  return reason == close_reason::output_budget || reason == close_reason::write_deadline ||
         reason == close_reason::heartbeat_lost;
}

constexpr std::string_view heartbeat_request = R"({"jsonrpc":"2.0","id":"heartbeat","method":"heartbeat"})";
constexpr std::string_view heartbeat_notification = R"({"jsonrpc":"2.0","method":"heartbeat"})";

}  // namespace

connection::connection(caf::actor_config& config, reactor& home, shard& shared, int descriptor,
                       connection_key key, caf::strong_actor_ptr router)
    : pinned_actor(config, home),
      shared_(shared),
      descriptor_(descriptor),
      key_(key),
      router_(std::move(router)),
      reader_(shared.options.limits.frame_bytes) {
  status_.opened = status_.last_read = home.now();
  home.metrics().add(metric::actors_connection);
  home.metrics().add(metric::tcp_connections);
}

connection::~connection() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void connection::start() {
  interest_ = EPOLLIN;
  home().watch(descriptor_, interest_, *this);
  if (shared_.options.limits.idle_timeout.count() > 0)
    schedule(home().now() + shared_.options.limits.idle_timeout);
}

void connection::cut(close_reason why) {
  shared_.unfinished_bytes -= std::exchange(status_.unfinished_bytes, 0);
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
  home().unwatch(descriptor_, *this);
  shared_.unfinished_bytes -= std::exchange(status_.unfinished_bytes, 0);
  if (is_cut(reason_)) {
    // An orderly close would queue behind the output that the other side does not read: reset instead.
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  ::close(descriptor_);
  descriptor_ = -1;
  shared_.counters.connections.fetch_sub(1, std::memory_order_relaxed);
  auto& metrics = home().metrics();
  metrics.add(metric::tcp_closed);
  metrics.add(metric::tcp_connections, -1);
  metrics.add(metric::actors_connection, -1);
  send_to(router_, make_actor_message<connection_closed>(key_, reason_));
}

void connection::close(close_reason why) {
  if (terminated()) return;
  reason_ = why;
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
  if ((mask & (EPOLLERR | EPOLLHUP)) != 0 && (interest_ & EPOLLIN) == 0) return close(close_reason::reset);
  if ((mask & EPOLLOUT) != 0) flush();
  if ((mask & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0 && !terminated()) read();
}

void connection::read() {
  const auto got = ::recv(descriptor_, home().read_buffer(), reactor::read_buffer_bytes, 0);
  if (got > 0) {
    const auto count = static_cast<std::size_t>(got);
    home().metrics().add(metric::bytes_read, got);
    status_.bytes_read += count;
    status_.last_read = home().now();
    if (reading_ == reading::on) take({home().read_buffer(), count});
  } else if (got == 0) {
    on_end_of_stream();
  } else if (errno != EAGAIN && errno != EINTR) {
    close(close_reason::reset);
  }
}

void connection::take(std::string_view bytes) {
  auto batch = shared_.inbound.take();
  if (status_.frames_read == 0) beginning_.add(bytes);
  batch->broken = reader_.feed(bytes, [&](std::string_view payload) { scan(*batch, payload); });
  count_unfinished();
  if (batch->broken != proto::frame_error::none) {
    on_broken_stream(batch->broken);
    if (status_.frames_read == 0) reason_ = reason_of(beginning_.what_it_speaks());
  }
  if (!batch->items.empty() || batch->broken != proto::frame_error::none) forward(std::move(batch));
  if (reading_ != reading::on || !reader_.mid_frame()) {
    frame_started_ = {};
  } else if (frame_started_ == clock::time_point{}) {
    frame_started_ = home().now();
    schedule(frame_started_ + shared_.options.limits.frame_timeout);
  }
}

void connection::count_unfinished() {
  const auto now = reader_.buffered_bytes();
  if (now == status_.unfinished_bytes) return;
  shared_.unfinished_bytes += now - status_.unfinished_bytes;
  status_.unfinished_bytes = now;
  if (shared_.unfinished_bytes > shared_.options.limits.unfinished_frame_bytes) {
    send_to(router_, make_actor_message<unfinished_frames>());
  }
}

void connection::take_deferred() {
  auto& resumed = put_back_->resumed;
  resumed = std::exchange(put_back_->waiting, {});
  auto batch = shared_.inbound.take();
  batch->resumed = true;
  proto::frame_reader frames(resumed.size());
  frames.feed(resumed, [&](std::string_view payload) { scan(*batch, payload); });
  forward(std::move(batch));
}

void connection::scan(inbound_batch& batch, std::string_view payload) {
  const auto& options = shared_.options;
  const proto::scan_options scan_options{options.limits.depth, options.limits.batch_size,
                                         options.protocol.require_version};
  ++status_.frames_read;
  home().metrics().add(metric::frames_read);
  // A complete frame restarts the clock for the next one.
  frame_started_ = {};
  auto& item = batch.items.emplace_back();
  const auto result = proto::scan(payload, scan_options, item.message, shared_.scan_batch);
  item.kind = result.kind;
  item.why = result.why;
  item.offset = result.offset;
  if (result.kind == proto::scan_kind::rejected) item.message.text = payload;
  if (result.kind != proto::scan_kind::batch) return;
  batch.items.pop_back();
  const auto group = static_cast<std::int32_t>(batch.groups.size());
  batch.groups.push_back(static_cast<std::uint32_t>(shared_.scan_batch.size()));
  batch.group_texts.push_back(payload);
  for (const auto& envelope : shared_.scan_batch) {
    batch.items.push_back({proto::scan_kind::single, proto::defect::none, 0, group, envelope});
  }
}

void connection::forward(message_pool<inbound_batch>::pointer batch) {
  batch->from = key_;
  batch->received = home().now();
  send_to(router_, std::move(batch));
}

void connection::on_end_of_stream() {
  if (reading_ == reading::discarding) return close(reason_);
  if (reader_.mid_frame()) {
    home().metrics().add(metric::framing_errors);
    shared_.log->debug("connection {}: the stream ended inside a frame, after {} bytes of it", key_.slot,
                       reader_.buffered_bytes());
  }
  // Someone who was introduced is a party to the mesh, and a party that hangs up is gone. A plain client may
  // close its sending side only and still wants its answers.
  if (heartbeat_.count() > 0) return close(close_reason::end_of_stream);
  reading_ = reading::ended;
  reason_ = close_reason::end_of_stream;
  update_interest();
  heartbeat_sent_ = home().now();
  schedule(heartbeat_sent_ + half_closed_probe);
  auto batch = shared_.inbound.take();
  batch->end_of_stream = true;
  forward(std::move(batch));
}

void connection::on_broken_stream(proto::frame_error error) {
  home().metrics().add(metric::framing_errors);
  if (error == proto::frame_error::too_large) home().metrics().add(metric::limit_frame_bytes);
  reading_ = reading::discarding;
  reason_ = close_reason::framing_error;
  discard_until_ = home().now() + discard_time;
  schedule(discard_until_);
}

void connection::write(outbound_batch& batch) {
  if (terminated()) return;
  if (batch.heartbeat) {
    heartbeat_ = *batch.heartbeat;
    schedule(home().now() + heartbeat_);
  }
  if (batch.finish) finishing_ = true;
  if (batch.tell_below != 0) tell_below_ = batch.tell_below;
  if (batch.frame_limit != 0) reader_.set_max_frame_bytes(batch.frame_limit);
  if (!batch.deferred.empty()) {
    if (!put_back_) put_back_ = std::make_unique<put_back>();
    put_back_->waiting += batch.deferred;
    home().metrics().add(metric::limit_output_soft);
  }
  if (write_closed_) return;
  std::size_t urgent_sent = 0;
  std::size_t bulk_sent = 0;
  if (output_.empty()) {
    write_progress_ = home().now();
    if (!batch.urgent.empty() && !send_now(batch.urgent, urgent_sent)) return;
    if (!batch.bulk.empty() && urgent_sent == batch.urgent.size() && !send_now(batch.bulk, bulk_sent)) return;
  }
  // What the kernel did not take is queued as whole frames, then the written part is marked as such.
  if (urgent_sent < batch.urgent.size()) output_.append_urgent(batch.urgent), output_.consume(urgent_sent);
  if (bulk_sent < batch.bulk.size()) output_.append(batch.bulk), output_.consume(bulk_sent);
  after_write();
}

bool connection::send_now(std::string_view bytes, std::size_t& sent) {
  const auto count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) {
    sent = static_cast<std::size_t>(count);
    home().metrics().add(metric::bytes_written, count);
    status_.bytes_written += sent;
    return true;
  }
  if (errno == EAGAIN || errno == EINTR) return true;
  close(close_reason::reset);
  return false;
}

void connection::flush() {
  while (!output_.empty()) {
    std::size_t sent = 0;
    if (!send_now(output_.front(), sent)) return;
    if (sent == 0) break;
    write_progress_ = home().now();
    output_.consume(sent);
  }
  after_write();
}

void connection::after_write() {
  status_.pending_output = output_.size();
  if (tell_below_ != 0 && output_.size() <= tell_below_) [[unlikely]] {
    tell_below_ = 0;
    send_to(router_, make_actor_message<output_drained>(key_));
  }
  if (output_.empty()) {
    if (finishing_ && !write_closed_) return finish_writing();
  } else {
    if (over_budget()) return;
    schedule(write_progress_ + shared_.options.limits.write_deadline);
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
  write_closed_ = true;
  if (reading_ == reading::ended) return close(reason_);
  if (reading_ == reading::on || reading_ == reading::paused) reason_ = close_reason::finished;
  ::shutdown(descriptor_, SHUT_WR);
  reading_ = reading::discarding;
  discard_until_ = home().now() + discard_time;
  schedule(discard_until_);
  update_interest();
}

void connection::update_interest() {
  const auto soft = shared_.options.limits.output_soft_bytes;
  const bool waiting = put_back_ && !put_back_->waiting.empty();
  if (waiting && output_.size() <= soft / 2 && reading_ != reading::discarding) {
    take_deferred();
  }
  if (reading_ == reading::on && (output_.size() > soft || (put_back_ && !put_back_->waiting.empty()))) {
    reading_ = reading::paused;
    home().metrics().add(metric::limit_output_soft);
  } else if (reading_ == reading::paused && output_.size() <= soft / 2 &&
             !(put_back_ && !put_back_->waiting.empty())) {
    reading_ = reading::on;
    if (frame_started_ != clock::time_point{}) {
      frame_started_ = home().now();
      schedule(frame_started_ + shared_.options.limits.frame_timeout);
    }
  }
  const bool wants_input = reading_ == reading::on || reading_ == reading::discarding;
  const auto wanted = (wants_input ? EPOLLIN : 0U) | (output_.empty() ? 0U : EPOLLOUT);
  if (wanted == interest_) return;
  interest_ = wanted;
  home().change(descriptor_, interest_, *this);
}

void connection::schedule(clock::time_point due) {
  if (!armed() || due < coro::timer::due()) home().arm(*this, due);
}

void connection::on_time() {
  if (terminated()) return;
  const auto now = home().now();
  const auto next = std::min(check_timeouts(now), check_liveness(now));
  if (!terminated() && next != never) schedule(next);
}

clock::time_point connection::check_timeouts(clock::time_point now) {
  const auto& limits = shared_.options.limits;
  auto next = never;
  if (reading_ == reading::discarding) {
    if (now >= discard_until_) return close(reason_), never;
    next = discard_until_;
  }
  if (frame_started_ != clock::time_point{} && reading_ == reading::on) {
    const auto due = frame_started_ + limits.frame_timeout;
    if (now >= due) {
      home().metrics().add(metric::limit_frame_timeout);
      return close(close_reason::frame_timeout), never;
    }
    next = std::min(next, due);
  }
  if (!output_.empty()) {
    const auto due = write_progress_ + limits.write_deadline;
    if (now >= due) {
      home().metrics().add(metric::limit_write_deadline);
      return close(close_reason::write_deadline), never;
    }
    next = std::min(next, due);
  }
  return next;
}

clock::time_point connection::check_liveness(clock::time_point now) {
  if (terminated()) return never;
  if (reading_ == reading::ended) {
    if (now >= heartbeat_sent_ + half_closed_probe) send_heartbeat();
    return heartbeat_sent_ + half_closed_probe;
  }
  if (heartbeat_.count() == 0) {
    const auto idle = shared_.options.limits.idle_timeout;
    if (idle.count() == 0) return never;
    if (now < status_.last_read + idle) return status_.last_read + idle;
    if (unread()) return now + look_again;
    home().metrics().add(metric::limit_idle);
    return close(close_reason::idle), never;
  }
  // A connection that is not read because its output is stuck falls to the write deadline, not to its
  // silence.
  if (reading_ == reading::paused) return now + heartbeat_;
  const auto silent = now - status_.last_read;
  if (silent >= 3 * heartbeat_) {
    if (unread()) return now + look_again;
    home().metrics().add(metric::limit_heartbeat);
    return close(close_reason::heartbeat_lost), never;
  }
  if (silent >= heartbeat_ && now >= heartbeat_sent_ + heartbeat_) send_heartbeat();
  const auto lost = status_.last_read + 3 * heartbeat_;
  const auto probe = std::max(status_.last_read, heartbeat_sent_) + heartbeat_;
  return std::min(lost, std::max(probe, now + look_again));
}

bool connection::unread() const noexcept {
  char first = 0;
  return reading_ == reading::on && ::recv(descriptor_, &first, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void connection::send_heartbeat() {
  heartbeat_sent_ = home().now();
  std::string frame;
  proto::append_frame(frame, reading_ == reading::ended ? heartbeat_notification : heartbeat_request);
  if (output_.empty()) write_progress_ = home().now();
  output_.append_urgent(frame);
  flush();
}

}  // namespace weft
