// Load on a NATS server with a service behind it: each connection has an inbox of its own and so many
// requests in flight, as NATS' clients do request and reply, or streams that the service publishes to it.
#include <array>
#include <deque>

#include <nlohmann/json.hpp>
#include <sys/epoll.h>

#include "bench/peers/client.hpp"
#include "bench/peers/nats_wire.hpp"

namespace weft::peers {

namespace {

constexpr std::int64_t unused = -1;

/// One connection and the requests it has in flight, a slot for each: the last token of the inbox's subject.
struct line {
  explicit line(const tools::bench_options& options, std::size_t number)
      : connection(options.address),
        inbox(fmt::format("_INBOX.{}.", number)),
        started(options.pipeline, unused) {
    connection.subscribe(inbox + "*");
    for (std::size_t slot = 0; slot < options.pipeline; ++slot) free.push_back(slot);
  }

  void request(const std::string& params, std::int64_t now) {
    std::size_t slot = free.back();
    free.pop_back();
    started[slot] = now;
    connection.publish("foo", inbox + std::to_string(slot), params);
  }

  /// When the request that is answered started; `unused` when none of ours is.
  std::int64_t release(std::string_view subject) {
    if (!subject.starts_with(inbox)) return unused;
    subject.remove_prefix(inbox.size());
    std::size_t slot = started.size();
    std::from_chars(subject.data(), subject.data() + subject.size(), slot);
    if (slot >= started.size() || started[slot] == unused) return unused;
    free.push_back(slot);
    return std::exchange(started[slot], unused);
  }

  nats_connection connection;
  std::string inbox;
  std::vector<std::int64_t> started;
  std::vector<std::size_t> free;
};

class load {
 public:
  explicit load(const tools::bench_options& options) : options_(options) {
    epoll_ = tools::unique_fd(::epoll_create1(EPOLL_CLOEXEC));
    for (std::size_t number = 0; number < options.connections; ++number) {
      lines_.emplace_back(options, number);
      epoll_event event{.events = EPOLLIN, .data = {.ptr = &lines_.back()}};
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, lines_.back().connection.fd(), &event);
    }
  }

  tools::load_result run() {
    std::int64_t began = clock_ns();
    schedule_ = schedule(began, options_.rate > 0 ? options_.rate : 1);
    if (options_.rate <= 0) {
      for (line& each : lines_) {
        while (!each.free.empty()) each.request(options_.params, clock_ns());
        each.connection.flush();
      }
    }
    run_until(began + options_.warmup.count());
    recorder_.begin();
    run_until(clock_ns() + options_.duration.count());
    return recorder_.end();
  }

 private:
  void run_until(std::int64_t end) {
    for (std::int64_t now = clock_ns(); now < end; now = clock_ns()) {
      if (options_.rate > 0) send_due(now);
      std::int64_t next = options_.rate > 0 ? std::min(end, schedule_.due()) : end;
      turn(std::max<std::int64_t>(next - clock_ns(), 0));
    }
  }

  void send_due(std::int64_t now) {
    for (; schedule_.due() <= now; schedule_.next()) {
      line& each = lines_[turn_++ % lines_.size()];
      if (each.free.empty()) {
        recorder_.unsent(schedule_.due());
        continue;
      }
      each.request(options_.params, schedule_.due());
      each.connection.flush();
    }
  }

  void turn(std::int64_t timeout_ns) {
    timespec timeout{timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
    std::array<epoll_event, 128> events;
    int ready = ::epoll_pwait2(epoll_.get(), events.data(), events.size(), &timeout, nullptr);
    for (int i = 0; i < ready; ++i) receive(*static_cast<line*>(events[i].data.ptr));
  }

  void receive(line& each) {
    each.connection.receive([&](std::string_view subject, std::string_view, std::string_view payload) {
      std::int64_t started = each.release(subject);
      recorder_.record(started == unused ? clock_ns() : started, started != unused && payload == "\"ok\"");
      if (started != unused && options_.rate <= 0) each.request(options_.params, clock_ns());
    });
    each.connection.flush();
  }

  const tools::bench_options& options_;
  tools::unique_fd epoll_;
  std::deque<line> lines_;
  recorder recorder_;
  schedule schedule_{0, 1};
  std::size_t turn_ = 0;
};

/// Streams of numbers on one connection, each begun again when it has ended: an empty message is the end, and
/// half of the credit is granted anew when it has come.
struct stream_line {
  struct stream {
    std::string inbox;
    std::int64_t started = 0;
    std::int64_t last = 0;
    std::int64_t received = 0;
    std::int64_t untold = 0;
    bool in_order = true;
  };

  stream_line(const tools::bench_options& options, std::size_t number)
      : connection(options.address), inbox(fmt::format("_INBOX.{}.", number)) {
    connection.subscribe(inbox + "*");
    for (std::size_t i = 0; i < options.pipeline; ++i)
      streams.push_back({.inbox = inbox + std::to_string(i)});
  }

  stream* find(std::string_view subject) {
    if (!subject.starts_with(inbox)) return nullptr;
    subject.remove_prefix(inbox.size());
    std::size_t slot = streams.size();
    std::from_chars(subject.data(), subject.data() + subject.size(), slot);
    return slot < streams.size() ? &streams[slot] : nullptr;
  }

  nats_connection connection;
  std::string inbox;
  std::vector<stream> streams;
};

class streams {
 public:
  streams(const tools::bench_options& options, const std::string& params)
      : options_(options), begin_payload_(params) {
    epoll_ = tools::unique_fd(::epoll_create1(EPOLL_CLOEXEC));
    for (std::size_t number = 0; number < options.connections; ++number) {
      lines_.emplace_back(options, number);
      epoll_event event{.events = EPOLLIN, .data = {.ptr = &lines_.back()}};
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, lines_.back().connection.fd(), &event);
    }
  }

  tools::stream_result run() {
    std::int64_t began = clock_ns();
    for (stream_line& each : lines_) {
      for (auto& stream : each.streams) begin(each, stream);
      each.connection.flush();
    }
    run_until(began + options_.warmup.count());
    recorder_.begin();
    run_until(clock_ns() + options_.duration.count());
    return recorder_.end();
  }

 private:
  void begin(stream_line& line, stream_line::stream& stream) {
    stream = {.inbox = std::move(stream.inbox), .started = clock_ns()};
    line.connection.publish("count", stream.inbox, begin_payload_);
  }

  void run_until(std::int64_t end) {
    for (std::int64_t now = clock_ns(); now < end; now = clock_ns()) {
      timespec timeout{(end - now) / 1'000'000'000, (end - now) % 1'000'000'000};
      std::array<epoll_event, 128> events;
      int ready = ::epoll_pwait2(epoll_.get(), events.data(), events.size(), &timeout, nullptr);
      for (int i = 0; i < ready; ++i) receive(*static_cast<stream_line*>(events[i].data.ptr));
    }
  }

  void receive(stream_line& line) {
    line.connection.receive([&](std::string_view subject, std::string_view, std::string_view payload) {
      stream_line::stream* stream = line.find(subject);
      if (stream == nullptr) return recorder_.ended(false);
      if (payload.empty()) {
        recorder_.ended(stream->in_order);
        return begin(line, *stream);
      }
      on_item(line, *stream, payload);
    });
    line.connection.flush();
  }

  void on_item(stream_line& line, stream_line::stream& stream, std::string_view payload) {
    std::int64_t number = -1;
    std::from_chars(payload.data(), payload.data() + payload.size(), number);
    stream.in_order = stream.in_order && number == stream.received;
    ++stream.received;
    // MSG, the subject, the number of the subscription, the size and two ends of lines.
    recorder_.item(stream.started, stream.last, payload.size() + stream.inbox.size() + 13);
    if (2 * ++stream.untold < options_.credit) return;
    line.connection.publish("count.credit", stream.inbox, std::to_string(std::exchange(stream.untold, 0)));
  }

  const tools::bench_options& options_;
  std::string begin_payload_;
  tools::unique_fd epoll_;
  std::deque<stream_line> lines_;
  stream_recorder recorder_;
};

/// Runs a load, whose failures are exceptions.
template <class Result, class Run>
std::expected<Result, std::string> attempt(Run&& run) {
  try {
    return run();
  } catch (const std::exception& error) {
    return std::unexpected(error.what());
  }
}

std::expected<tools::load_result, std::string> generate(const tools::bench_options& options) {
  return attempt<tools::load_result>([&] { return load(options).run(); });
}

std::expected<tools::stream_result, std::string> read_streams(const tools::bench_options& options) {
  return attempt<tools::stream_result>([&] {
    auto params = nlohmann::json::parse(options.params);
    params["credit"] = options.credit;
    return streams(options, params.dump()).run();
  });
}

}  // namespace

}  // namespace weft::peers

int main(int argc, char** argv) {
  return weft::peers::run_client(argc, argv, "Load on a NATS server", weft::peers::generate,
                                 weft::peers::read_streams);
}
