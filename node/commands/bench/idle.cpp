#include "node/commands/bench/idle.hpp"

#include <array>
#include <cerrno>
#include <vector>

#include <fmt/format.h>
#include <sys/epoll.h>

#include "node/commands/bench/connections.hpp"
#include "node/commands/bench/frame_input.hpp"
#include "proto/envelope.hpp"
#include "proto/frame.hpp"
#include "proto/message.hpp"

namespace weft::tools {

namespace {

/// With the longest interval there is, so that no heartbeat disturbs what is held idle, and a name as long as
/// real ones are.
constexpr std::string_view connect_params =
    R"({"name":"weft bench, idle connection","heartbeat_ms":3600000})";

class holder {
 public:
  explicit holder(std::vector<unique_fd> sockets) : sockets_(std::move(sockets)) {
    result_.opened = result_.still_open = sockets_.size();
    epoll_ = unique_fd(::epoll_create1(EPOLL_CLOEXEC));
    for (std::size_t index = 0; index < sockets_.size(); ++index) {
      epoll_event event{.events = EPOLLIN, .data = {.u32 = static_cast<std::uint32_t>(index)}};
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, sockets_[index].get(), &event);
    }
  }

  /// Sends `connect` on every connection and waits for the answers. The error quotes the first refusal.
  std::expected<void, std::string> introduce(steady_clock::time_point until) {
    std::string payload;
    proto::append_request(payload, "1", "connect", connect_params);
    std::string frame;
    proto::append_frame(frame, payload);
    for (const unique_fd& socket : sockets_) {
      if (::send(socket.get(), frame.data(), frame.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(frame.size())) {
        return std::unexpected("cannot send connect: " + error_text(errno));
      }
    }
    std::vector<std::string> partial(sockets_.size());
    while (result_.introduced < result_.opened && failure_.empty()) {
      if (!turn(until, [&](std::size_t index) { read_answer(index, partial[index]); })) {
        failure_ = fmt::format("connect was answered on {} of {} connections only", result_.introduced,
                               result_.opened);
      }
    }
    if (!failure_.empty()) return std::unexpected(failure_);
    return {};
  }

  void hold(steady_clock::time_point until) {
    while (result_.still_open > 0 && turn(until, [&](std::size_t index) { receive(index); })) {
    }
  }

  idle_result& result() noexcept { return result_; }

 private:
  /// Waits for input once; false when the time is over.
  template <class OnInput>
  bool turn(steady_clock::time_point until, OnInput&& on_input) {
    auto now = steady_clock::now();
    if (now >= until) return false;
    std::array<epoll_event, 256> events;
    auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
    int ready = ::epoll_wait(epoll_.get(), events.data(), events.size(), static_cast<int>(left));
    for (int i = 0; i < ready; ++i) on_input(events[i].data.u32);
    return true;
  }

  void read_answer(std::size_t index, std::string& partial) {
    auto on_frame = [&](std::string_view payload) {
      proto::envelope message;
      std::vector<proto::envelope> batch;
      auto scanned = proto::scan(payload, {}, message, batch);
      if (scanned.kind == proto::scan_kind::single && !message.result.empty()) {
        ++result_.introduced;
      } else {
        failure_ = fmt::format("connect was not answered with a result but: {:.200}", payload);
      }
    };
    std::string lost = input_.receive(sockets_[index].get(), partial, [] {}, on_frame);
    if (!lost.empty()) failure_ = "a connection was lost before its connect was answered: " + lost;
  }

  /// Takes what a connection has to say; closes it when it has ended.
  void receive(std::size_t index) {
    std::array<char, 4096> chunk;
    ssize_t count = ::recv(sockets_[index].get(), chunk.data(), chunk.size(), 0);
    if (count > 0) {
      result_.received_bytes += static_cast<std::uint64_t>(count);
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      sockets_[index].reset();
      --result_.still_open;
    }
  }

  std::vector<unique_fd> sockets_;
  unique_fd epoll_;
  frame_input input_;
  std::string failure_;
  idle_result result_;
};

}  // namespace

std::expected<idle_result, std::string> hold_connections(
    const bench_options& options, const std::function<void(const idle_result&)>& on_open) {
  auto started = steady_clock::now();
  auto sockets = open_connections(options, options.idle);
  if (!sockets) return std::unexpected(sockets.error());
  auto opened = steady_clock::now();
  holder connections(std::move(*sockets));
  idle_result& result = connections.result();
  result.connect_time = opened - started;
  if (options.introduce) {
    auto until = opened + std::chrono::seconds(10) + std::chrono::milliseconds(options.idle);
    if (auto introduced = connections.introduce(until); !introduced) {
      return std::unexpected(introduced.error());
    }
    opened = steady_clock::now();
  }
  on_open(result);
  connections.hold(opened + options.duration);
  result.held = steady_clock::now() - opened;
  return result;
}

}  // namespace weft::tools
