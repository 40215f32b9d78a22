// Load on the gRPC server: a channel per connection, each with its own socket, and so many calls in flight on
// each through the callback API.
#include <condition_variable>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>

#include "bench/peers/client.hpp"
#include "grpc.grpc.pb.h"

namespace weft::peers {

namespace {

class load {
 public:
  load(const tools::bench_options& options, Request request)
      : options_(options), request_(std::move(request)) {
    std::string target = fmt::format("{}:{}", options.address.host, options.address.port);
    grpc::ChannelArguments arguments;
    // Channels to one address share a connection otherwise.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    for (std::size_t i = 0; i < options.connections; ++i) {
      channels_.push_back(grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments));
      stubs_.push_back(Methods::NewStub(channels_.back()));
    }
    for (std::size_t i = 0; i < options.connections * options.pipeline; ++i) {
      calls_.emplace_back(stubs_[i % stubs_.size()].get());
      free_.push_back(&calls_.back());
    }
  }

  bool connect() {
    auto until = std::chrono::system_clock::now() + std::chrono::seconds(10);
    for (auto& channel : channels_) channel->GetState(true);
    for (auto& channel : channels_) {
      if (!channel->WaitForConnected(until)) return false;
    }
    return true;
  }

  tools::load_result run() {
    std::int64_t began = clock_ns();
    schedule_ = schedule(began, options_.rate > 0 ? options_.rate : 1);
    if (options_.rate <= 0) {
      for (call& each : calls_) start(each, clock_ns());
    }
    wait_until(began + options_.warmup.count());
    recorder_.begin();
    wait_until(clock_ns() + options_.duration.count());
    tools::load_result result = recorder_.end();
    stopping_ = true;
    std::unique_lock guard(mutex_);
    ended_.wait(guard, [this] { return in_flight_ == 0; });
    return result;
  }

 private:
  struct call {
    explicit call(Methods::Stub* through) : stub(through) {}

    Methods::Stub* stub;
    std::unique_ptr<grpc::ClientContext> context;
    Reply reply;
    std::int64_t started = 0;
  };

  void start(call& each, std::int64_t started) {
    each.started = started;
    each.context = std::make_unique<grpc::ClientContext>();
    {
      std::lock_guard guard(mutex_);
      ++in_flight_;
    }
    each.stub->async()->Foo(each.context.get(), &request_, &each.reply,
                            [this, &each](const grpc::Status& status) { finish(each, status); });
  }

  void finish(call& each, const grpc::Status& status) {
    recorder_.record(each.started, status.ok() && each.reply.text() == "ok");
    if (options_.rate <= 0 && !stopping_) start(each, clock_ns());
    std::lock_guard guard(mutex_);
    if (options_.rate > 0) free_.push_back(&each);
    if (--in_flight_ == 0) ended_.notify_one();
  }

  /// Sends what an open loop owes meanwhile.
  void wait_until(std::int64_t end) {
    if (options_.rate > 0) {
      for (; schedule_.due() < end; schedule_.next()) {
        sleep_until(schedule_.due());
        send_one(schedule_.due());
      }
    }
    sleep_until(end);
  }

  void send_one(std::int64_t due) {
    call* each = nullptr;
    {
      std::lock_guard guard(mutex_);
      if (!free_.empty()) {
        each = free_.front();
        free_.pop_front();
      }
    }
    if (each != nullptr) {
      start(*each, due);
    } else {
      recorder_.unsent(due);
    }
  }

  static void sleep_until(std::int64_t when) {
    std::this_thread::sleep_until(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(when)));
  }

  const tools::bench_options& options_;
  Request request_;
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::vector<std::unique_ptr<Methods::Stub>> stubs_;
  std::deque<call> calls_;
  recorder recorder_;
  schedule schedule_{0, 1};
  std::atomic<bool> stopping_ = false;

  std::mutex mutex_;
  std::deque<call*> free_;
  std::size_t in_flight_ = 0;
  std::condition_variable ended_;
};

std::expected<tools::load_result, std::string> generate(const tools::bench_options& options) {
  Request request;
  if (!options.params.empty()) {
    auto parsed = google::protobuf::util::JsonStringToMessage(options.params, request.mutable_params());
    if (!parsed.ok()) return std::unexpected("--params is no JSON: " + parsed.ToString());
  }
  load connections(options, std::move(request));
  if (!connections.connect()) {
    return std::unexpected(
        fmt::format("cannot connect to {}:{}", options.address.host, options.address.port));
  }
  return connections.run();
}

}  // namespace

}  // namespace weft::peers

int main(int argc, char** argv) {
  return weft::peers::run_client(argc, argv, "Load on the gRPC server", weft::peers::generate);
}
