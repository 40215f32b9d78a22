// Load on a NATS server with a service behind it: each connection has an inbox of its own and so many
// requests in flight, as NATS' clients do request and reply.
#include <array>
#include <deque>

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

std::expected<tools::load_result, std::string> generate(const tools::bench_options& options) {
  try {
    return load(options).run();
  } catch (const std::exception& error) {
    return std::unexpected(error.what());
  }
}

}  // namespace

}  // namespace weft::peers

int main(int argc, char** argv) {
  return weft::peers::run_client(argc, argv, "Load on a NATS server", weft::peers::generate);
}
