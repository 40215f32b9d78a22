#include "node/commands/bench/stream_load.hpp"

#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sys/prctl.h>

#include "node/commands/bench/connections.hpp"
#include "node/commands/bench/frame_input.hpp"
#include "node/commands/bench/load_clock.hpp"
#include "node/commands/bench/measured_time.hpp"
#include "node/commands/bench/pipelines.hpp"
#include "node/commands/bench/requests.hpp"
#include "node/commands/bench/stream_messages.hpp"
#include "proto/frame.hpp"
#include "proto/stream.hpp"

namespace weft::tools {

namespace {

using kind = stream_event::kind;

/// A stream that is open, in the slot of its connection.
struct open_stream {
  std::int64_t last_item = 0;
  std::int64_t received = 0;
  std::int64_t granted = 0;
  bool input_ended = false;
};

class stream_load {
 public:
  stream_load(const bench_options& options, request_table requests, std::vector<unique_fd> sockets,
              const std::function<void(const stream_progress&)>& on_progress)
      : options_(options),
        requests_(std::move(requests)),
        on_progress_(on_progress),
        pipelines_(std::move(sockets), options.pipeline),
        time_(options),
        streams_(options.connections * options.pipeline) {}

  stream_result run() {
    // The default slack of 50 us would show up in every latency.
    ::prctl(PR_SET_TIMERSLACK, 1);
    const std::int64_t began = clock_ns();
    time_.begin(began);
    for (std::size_t index = 0; index < pipelines_.size(); ++index) {
      while (pipelines_[index].free_slots() > 0) begin_stream(index, began);
      flush(index);
    }
    for (std::int64_t now = began; !time_.is_over(now) && pipelines_.live() > 0; now = clock_ns()) {
      if (time_.measurement_is_due(now)) begin_measuring(now);
      if (time_.progress_is_due(now)) report_progress(now);
      pipelines_.turn(
          time_.next() - clock_ns(), [this](std::size_t index) { receive(index); },
          [this](std::size_t index, const std::string& reason) { lose(index, reason); });
    }
    end_measuring(clock_ns());
    result_.first_messages = reader_.first_messages();
    return std::move(result_);
  }

 private:
  open_stream& stream_of(std::size_t index, std::uint32_t slot) noexcept {
    return streams_[index * options_.pipeline + slot];
  }

  void begin_stream(std::size_t index, std::int64_t now) {
    pipeline& line = pipelines_[index];
    std::uint32_t slot = line.take(now);
    stream_of(index, slot) = {.granted = options_.credit};
    line.output += requests_.frame(slot);
  }

  void receive(std::size_t index) {
    pipeline& line = pipelines_[index];
    std::int64_t now = 0;
    std::string lost = input_.receive(
        line.fd(), line.partial, [&] { now = clock_ns(); },
        [&](std::string_view payload) {
          if (broken_.empty()) on_frame(index, payload, now);
        });
    if (lost.empty()) lost = std::exchange(broken_, {});
    if (!lost.empty()) return lose(index, lost);
    flush(index);
  }

  void on_frame(std::size_t index, std::string_view payload, std::int64_t now) {
    result_.heard = true;
    stream_event event = reader_.read(payload);
    if (event.what == kind::unasked) {
      ++result_.unasked;
    } else if (event.what == kind::malformed || !pipelines_[index].in_use(event.number)) {
      ++result_.malformed;
    } else if (event.what == kind::item) {
      on_item(index, event, payload.size(), now);
    } else if (event.what == kind::accept) {
      end_input(index, event.number);
    } else {
      on_answer(index, event, now);
    }
  }

  void on_item(std::size_t index, const stream_event& item, std::size_t payload_bytes, std::int64_t now) {
    open_stream& stream = stream_of(index, item.number);
    if (item.seq != stream.received) {
      broken_ =
          fmt::format("the server sent an item with the seq {} where {} was due", item.seq, stream.received);
      return;
    }
    if (stream.received++ == 0) {
      result_.first_item.record(static_cast<std::uint64_t>(now - pipelines_[index].started(item.number)));
    } else {
      result_.between_items.record(static_cast<std::uint64_t>(now - stream.last_item));
    }
    stream.last_item = now;
    ++result_.items;
    result_.bytes += payload_bytes + proto::frame_header_bytes;
    const std::int64_t taken = stream.received - (stream.granted - options_.credit);
    if (2 * taken < options_.credit) return;
    stream.granted += taken;
    tell(index, item.number, proto::stream_message::credit, proto::count_text(taken));
  }

  /// There are no values to send, and the method would wait for them.
  void end_input(std::size_t index, std::uint32_t slot) {
    if (!std::exchange(stream_of(index, slot).input_ended, true))
      tell(index, slot, proto::stream_message::end, {});
  }

  void tell(std::size_t index, std::uint32_t slot, proto::stream_message what, std::string_view credit) {
    const std::string id = id_of(slot);
    proto::stream_members members;
    members.id = id;
    members.credit = credit;
    std::string& output = pipelines_[index].output;
    const auto start = proto::begin_frame(output);
    proto::append_stream_message(output, what, members);
    proto::end_frame(output, start);
  }

  void on_answer(std::size_t index, const stream_event& answer, std::int64_t now) {
    if (answer.what == kind::error) {
      ++result_.errors_by_code[answer.code];
    } else {
      ++result_.ended;
      if (stream_of(index, answer.number).received == 0) ++result_.ended_without_item;
    }
    pipelines_[index].release(answer.number);
    begin_stream(index, now);
  }

  void flush(std::size_t index) {
    if (std::string lost = pipelines_.flush(index); !lost.empty()) lose(index, lost);
  }

  void lose(std::size_t index, const std::string& reason) {
    ++result_.transport_errors[reason];
    result_.lost_streams += pipelines_[index].in_flight();
    pipelines_.lose(index);
  }

  void begin_measuring(std::int64_t now) {
    time_.begin_measuring(now);
    result_.items = 0;
    result_.bytes = 0;
    result_.ended = 0;
    result_.ended_without_item = 0;
    result_.errors_by_code.clear();
    result_.between_items.clear();
    items_at_progress_ = 0;
    bytes_at_progress_ = 0;
  }

  void end_measuring(std::int64_t now) {
    if (!time_.measuring()) begin_measuring(now);
    const double seconds = time_.end_measuring(now, result_);
    if (seconds <= 0) return;
    result_.items_per_second = static_cast<double>(result_.items) / seconds;
    result_.bytes_per_second = static_cast<double>(result_.bytes) / seconds;
  }

  void report_progress(std::int64_t now) {
    const double seconds = time_.begin_progress(now);
    on_progress_({.at = time_.since_begin(now),
                  .items_per_second = static_cast<double>(result_.items - items_at_progress_) / seconds,
                  .bytes_per_second = static_cast<double>(result_.bytes - bytes_at_progress_) / seconds,
                  .so_far = result_});
    items_at_progress_ = result_.items;
    bytes_at_progress_ = result_.bytes;
  }

  const bench_options& options_;
  request_table requests_;
  const std::function<void(const stream_progress&)>& on_progress_;
  pipelines pipelines_;
  measured_time time_;
  /// Those of a connection lie one behind the other, by slot.
  std::vector<open_stream> streams_;
  frame_input input_;
  stream_message_reader reader_;
  stream_result result_;
  /// Why the connection that is read cannot be used any more.
  std::string broken_;

  std::uint64_t items_at_progress_ = 0;
  std::uint64_t bytes_at_progress_ = 0;
};

}  // namespace

std::expected<stream_result, std::string> read_streams(
    const bench_options& options, const std::function<void(const stream_progress&)>& on_progress) {
  auto requests = request_table::make(options.method, options.params, options.pipeline, 1,
                                      proto::stream_member(options.credit, -1));
  if (!requests) return std::unexpected(requests.error());
  auto sockets = open_connections(options, options.connections);
  if (!sockets) return std::unexpected(sockets.error());
  return stream_load(options, std::move(*requests), std::move(*sockets), on_progress).run();
}

}  // namespace weft::tools
