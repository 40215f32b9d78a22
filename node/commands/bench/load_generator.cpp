#include "node/commands/bench/load_generator.hpp"

#include <algorithm>
#include <vector>

#include <sys/prctl.h>

#include "node/commands/bench/connections.hpp"
#include "node/commands/bench/frame_input.hpp"
#include "node/commands/bench/load_clock.hpp"
#include "node/commands/bench/measured_time.hpp"
#include "node/commands/bench/pipelines.hpp"
#include "node/commands/bench/requests.hpp"
#include "node/commands/bench/responses.hpp"

namespace weft::tools {

namespace {

/// How long answers of an open loop are awaited after its last request.
constexpr std::int64_t grace = 2 * second_ns;

class generator {
 public:
  generator(const bench_options& options, request_table requests, std::vector<unique_fd> sockets,
            const std::function<void(const load_progress&)>& on_progress)
      : options_(options),
        requests_(std::move(requests)),
        on_progress_(on_progress),
        pipelines_(std::move(sockets), options.pipeline),
        time_(options) {
    free_slots_ = pipelines_.live() * options_.pipeline;
  }

  load_result run() {
    // The default slack of 50 us would show up in every latency of an open loop.
    ::prctl(PR_SET_TIMERSLACK, 1);
    began_ = clock_ns();
    time_.begin(began_);
    due_ = began_;
    if (!open_loop()) fill_all(began_);
    for (std::int64_t now = began_; !time_.is_over(now) && pipelines_.live() > 0; now = clock_ns()) {
      if (time_.measurement_is_due(now)) begin_measuring(now);
      if (time_.progress_is_due(now)) report_progress(now);
      if (open_loop()) send_due(now);
      turn(next_wake_up() - clock_ns());
    }
    std::int64_t end = clock_ns();
    end_measuring(end);
    if (open_loop()) drain(std::min(end, time_.end()));
    result_.first_messages = responses_.first_messages();
    return std::move(result_);
  }

 private:
  bool open_loop() const noexcept { return options_.rate > 0; }

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
    const std::int64_t next = time_.next();
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
    pipelines_.turn(
        timeout_ns, [this](std::size_t index) { receive(index); },
        [this](std::size_t index, const std::string& reason) { lose(index, reason); });
  }

  void receive(std::size_t index) {
    pipeline& line = pipelines_[index];
    std::int64_t now = 0;
    std::string lost = input_.receive(
        line.fd(), line.partial, [&] { now = clock_ns(); },
        [&](std::string_view payload) { on_frame(line, payload, now); });
    if (!lost.empty()) return lose(index, lost);
    flush(index);
  }

  void on_frame(pipeline& line, std::string_view payload, std::int64_t now) {
    result_.heard = true;
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
    if (std::string lost = pipelines_.flush(index); !lost.empty()) lose(index, lost);
  }

  void lose(std::size_t index, const std::string& reason) {
    const pipeline& line = pipelines_[index];
    ++result_.transport_errors[reason];
    result_.lost_requests += line.in_flight() * options_.batch;
    in_flight_ -= line.in_flight();
    free_slots_ -= line.free_slots();
    pipelines_.lose(index);
  }

  void begin_measuring(std::int64_t now) {
    time_.begin_measuring(now);
    result_.latency.clear();
    result_.succeeded = 0;
    result_.errors_by_code.clear();
    answered_at_progress_ = 0;
  }

  void end_measuring(std::int64_t now) {
    if (!time_.measuring()) begin_measuring(now);
    const double seconds = time_.end_measuring(now, result_);
    if (seconds > 0) result_.requests_per_second = static_cast<double>(result_.latency.count()) / seconds;
  }

  void report_progress(std::int64_t now) {
    const std::uint64_t answered = result_.latency.count();
    const double seconds = time_.begin_progress(now);
    on_progress_({.at = time_.since_begin(now),
                  .requests_per_second = static_cast<double>(answered - answered_at_progress_) / seconds,
                  .so_far = result_});
    answered_at_progress_ = answered;
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
  pipelines pipelines_;
  measured_time time_;
  frame_input input_;
  response_reader responses_;
  load_result result_;

  std::size_t free_slots_ = 0;
  std::size_t in_flight_ = 0;
  std::size_t turn_ = 0;
  std::vector<std::size_t> touched_;

  std::int64_t began_ = 0;
  std::uint64_t answered_at_progress_ = 0;

  std::int64_t due_ = 0;
  std::uint64_t due_count_ = 0;
};

}  // namespace

std::uint64_t load_result::failed() const {
  return errors() + malformed + lost_requests + unanswered;
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
