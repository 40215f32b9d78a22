#include "node/commands/bench/load_generator.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "node/commands/bench/connections.hpp"
#include "node/commands/bench/frame_input.hpp"
#include "node/commands/bench/pipeline.hpp"
#include "node/commands/bench/requests.hpp"
#include "node/commands/bench/responses.hpp"

namespace weft::tools {

namespace {

constexpr std::int64_t second = 1'000'000'000;
/// How long answers of an open loop are awaited after its last request.
constexpr std::int64_t grace = 2 * second;
constexpr std::size_t events_at_once = 512;

std::int64_t clock_ns() {
  return std::chrono::nanoseconds(steady_clock::now().time_since_epoch()).count();
}

std::chrono::nanoseconds to_duration(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

/// Waits with the precision of nanoseconds where the kernel can.
int wait_events(int epoll, std::array<epoll_event, events_at_once>& events, std::int64_t timeout_ns) {
  timeout_ns = std::max<std::int64_t>(timeout_ns, 0);
  timespec timeout{timeout_ns / second, timeout_ns % second};
  int ready = ::epoll_pwait2(epoll, events.data(), events_at_once, &timeout, nullptr);
  if (ready >= 0 || errno != ENOSYS) return ready;
  // Rounded down: spinning for less than a millisecond is better than sending late.
  return ::epoll_wait(epoll, events.data(), events_at_once, static_cast<int>(timeout_ns / 1'000'000));
}

class generator {
 public:
  generator(const bench_options& options, request_table requests, std::vector<unique_fd> sockets,
            const std::function<void(const load_progress&)>& on_progress)
      : options_(options), requests_(std::move(requests)), on_progress_(on_progress) {
    epoll_ = unique_fd(::epoll_create1(EPOLL_CLOEXEC));
    pipelines_.reserve(sockets.size());
    for (unique_fd& socket : sockets) {
      pipelines_.emplace_back(std::move(socket), options_.pipeline);
      watch(EPOLL_CTL_ADD, pipelines_.size() - 1, EPOLLIN);
    }
    live_ = pipelines_.size();
    free_slots_ = live_ * options_.pipeline;
  }

  load_result run() {
    // The default slack of 50 us would show up in every latency of an open loop.
    ::prctl(PR_SET_TIMERSLACK, 1);
    began_ = clock_ns();
    measure_from_ = began_ + options_.warmup.count();
    measure_to_ = measure_from_ + options_.duration.count();
    next_progress_ = began_ + second;
    due_ = began_;
    if (!open_loop()) fill_all(began_);
    // However late the measurement begins, because this process had no CPU: it lasts as long as it should.
    for (std::int64_t now = began_; (!measuring_ || now < measure_to_) && live_ > 0; now = clock_ns()) {
      if (!measuring_ && now >= measure_from_) begin_measuring(now);
      if (now >= next_progress_) report_progress(now);
      if (open_loop()) send_due(now);
      turn(next_wake_up() - clock_ns());
    }
    std::int64_t end = clock_ns();
    end_measuring(end);
    if (open_loop()) drain(std::min(end, measure_to_));
    return std::move(result_);
  }

 private:
  bool open_loop() const noexcept { return options_.rate > 0; }

  void watch(int operation, std::size_t index, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.u32 = static_cast<std::uint32_t>(index)}};
    ::epoll_ctl(epoll_.get(), operation, pipelines_[index].fd(), &event);
  }

  void fill_all(std::int64_t now) {
    for (std::size_t index = 0; index < pipelines_.size(); ++index) {
      while (pipelines_[index].free_slots() > 0) add_request(pipelines_[index], now);
      flush(index);
    }
  }

  void add_request(pipeline& line, std::int64_t started) {
    line.output += requests_.frame(line.take(started));
    --free_slots_;
    ++in_flight_;
  }

  std::int64_t next_wake_up() const noexcept {
    std::int64_t next = std::min(measuring_ ? measure_to_ : measure_from_, next_progress_);
    return open_loop() && free_slots_ > 0 ? std::min(next, due_) : next;
  }

  /// Sends what an open loop owes by now, spread over the connections in turn.
  void send_due(std::int64_t now) {
    touched_.clear();
    while (due_ <= now && free_slots_ > 0) {
      while (pipelines_[turn_].free_slots() == 0) turn_ = (turn_ + 1) % pipelines_.size();
      if (pipelines_[turn_].output.empty()) touched_.push_back(turn_);
      add_request(pipelines_[turn_], due_);
      turn_ = (turn_ + 1) % pipelines_.size();
      due_ = due_time(++due_count_);
    }
    for (std::size_t index : touched_) flush(index);
  }

  /// From the count and not from the previous time, so that rounding does not add up.
  std::int64_t due_time(std::uint64_t count) const noexcept {
    return began_ + static_cast<std::int64_t>(static_cast<double>(count) * (1e9 / options_.rate));
  }

  void turn(std::int64_t timeout_ns) {
    std::array<epoll_event, events_at_once> events;
    int ready = wait_events(epoll_.get(), events, timeout_ns);
    for (int i = 0; i < ready; ++i) {
      std::size_t index = events[i].data.u32;
      if ((events[i].events & EPOLLOUT) != 0) unblock(index);
      if ((events[i].events & ~EPOLLOUT) != 0 && pipelines_[index].open()) receive(index);
    }
  }

  void receive(std::size_t index) {
    pipeline& line = pipelines_[index];
    std::int64_t now = 0;
    std::string lost = input_.receive(
        line.fd(), line.partial, [&] { now = clock_ns(); },
        [&](std::string_view payload) { on_frame(line, payload, now); });
    if (!lost.empty()) return lose(index, lost);
    if (!line.output.empty()) flush(index);
  }

  void on_frame(pipeline& line, std::string_view payload, std::int64_t now) {
    response answer =
        options_.batch > 1 ? responses_.read_batch(payload, options_.batch) : responses_.read(payload);
    if (answer.what == response::kind::unasked) {
      ++result_.unasked;
      return;
    }
    std::int64_t started =
        answer.what == response::kind::malformed ? pipeline::unused : line.release(answer.number);
    if (started == pipeline::unused) {
      ++result_.malformed;
      return;
    }
    --in_flight_;
    ++free_slots_;
    auto latency = static_cast<std::uint64_t>(now - started);
    if (options_.batch > 1) {
      for (const response& member : responses_.members()) count(member, latency);
    } else {
      count(answer, latency);
    }
    if (!open_loop()) add_request(line, now);
  }

  void count(const response& answer, std::uint64_t latency) {
    result_.latency.record(latency);
    if (answer.what == response::kind::result) {
      ++result_.succeeded;
    } else {
      ++result_.errors_by_code[answer.code];
    }
  }

  void flush(std::size_t index) {
    pipeline& line = pipelines_[index];
    if (line.blocked) return;
    ssize_t sent = ::send(line.fd(), line.output.data(), line.output.size(), MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(line.output.size())) {
      line.output.clear();
      return;
    }
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return lose(index, error_text(errno));
    line.output.erase(0, sent < 0 ? 0 : static_cast<std::size_t>(sent));
    line.blocked = true;
    watch(EPOLL_CTL_MOD, index, EPOLLIN | EPOLLOUT);
  }

  void unblock(std::size_t index) {
    pipelines_[index].blocked = false;
    watch(EPOLL_CTL_MOD, index, EPOLLIN);
    flush(index);
  }

  void lose(std::size_t index, const std::string& reason) {
    pipeline& line = pipelines_[index];
    ++result_.transport_errors[reason];
    result_.lost_requests += line.in_flight() * options_.batch;
    in_flight_ -= line.in_flight();
    free_slots_ -= line.free_slots();
    // Without slots it is never chosen again.
    line = pipeline(unique_fd(), 0);
    --live_;
  }

  void begin_measuring(std::int64_t now) {
    measuring_ = true;
    measure_from_ = now;
    measure_to_ = now + options_.duration.count();
    result_.latency.clear();
    result_.succeeded = 0;
    result_.errors_by_code.clear();
    answered_at_progress_ = 0;
    last_progress_ = now;
    next_progress_ = now + second;
    ::getrusage(RUSAGE_SELF, &usage_before_);
  }

  void end_measuring(std::int64_t now) {
    if (!measuring_) begin_measuring(now);
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    result_.cpu_user = to_duration(usage.ru_utime) - to_duration(usage_before_.ru_utime);
    result_.cpu_system = to_duration(usage.ru_stime) - to_duration(usage_before_.ru_stime);
    result_.elapsed = std::chrono::nanoseconds(now - measure_from_);
    if (now > measure_from_) {
      result_.requests_per_second =
          static_cast<double>(result_.latency.count()) * 1e9 / static_cast<double>(now - measure_from_);
    }
  }

  void report_progress(std::int64_t now) {
    std::uint64_t answered = result_.latency.count();
    double seconds = static_cast<double>(now - (last_progress_ == 0 ? began_ : last_progress_)) / 1e9;
    on_progress_({.at = std::chrono::nanoseconds(now - measure_from_),
                  .requests_per_second = static_cast<double>(answered - answered_at_progress_) / seconds,
                  .so_far = result_});
    answered_at_progress_ = answered;
    last_progress_ = now;
    next_progress_ += second;
  }

  /// Waits for the answers to what was sent, then enters what is still owed with the time it has waited so
  /// far: leaving it out would make a stalled server look fast.
  void drain(std::int64_t end) {
    send_due(end - 1);
    for (; due_ < end; due_ = due_time(++due_count_)) {
      ++result_.unsent;
      result_.latency.record(static_cast<std::uint64_t>(end - due_));
    }
    std::int64_t until = clock_ns() + grace;
    for (std::int64_t now = clock_ns(); in_flight_ > 0 && now < until; now = clock_ns()) turn(until - now);
    std::int64_t now = clock_ns();
    for (const pipeline& line : pipelines_) {
      line.for_each_in_flight([&](std::int64_t started) {
        ++result_.unanswered;
        result_.latency.record(static_cast<std::uint64_t>(now - started));
      });
    }
  }

  const bench_options& options_;
  request_table requests_;
  const std::function<void(const load_progress&)>& on_progress_;
  unique_fd epoll_;
  std::vector<pipeline> pipelines_;
  frame_input input_;
  response_reader responses_;
  load_result result_;

  std::size_t live_ = 0;
  std::size_t free_slots_ = 0;
  std::size_t in_flight_ = 0;
  std::size_t turn_ = 0;
  std::vector<std::size_t> touched_;

  bool measuring_ = false;
  std::int64_t began_ = 0;
  std::int64_t measure_from_ = 0;
  std::int64_t measure_to_ = 0;
  rusage usage_before_{};

  std::int64_t next_progress_ = 0;
  std::int64_t last_progress_ = 0;
  std::uint64_t answered_at_progress_ = 0;

  std::int64_t due_ = 0;
  std::uint64_t due_count_ = 0;
};

}  // namespace

std::uint64_t load_result::failed() const {
  std::uint64_t total = malformed + lost_requests + unanswered;
  for (const auto& [code, count] : errors_by_code) total += count;
  return total;
}

double load_result::cpu_share() const {
  if (elapsed.count() <= 0) return 0;
  return static_cast<double>((cpu_user + cpu_system).count()) / static_cast<double>(elapsed.count());
}

std::expected<load_result, std::string> generate_load(
    const bench_options& options, const std::function<void(const load_progress&)>& on_progress) {
  auto requests = request_table::make(options.method, options.params, options.pipeline, options.batch);
  if (!requests) return std::unexpected(requests.error());
  auto sockets = open_connections(options, options.connections);
  if (!sockets) return std::unexpected(sockets.error());
  return generator(options, std::move(*requests), std::move(*sockets), on_progress).run();
}

}  // namespace weft::tools
