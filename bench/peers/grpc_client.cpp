// Load on the gRPC server: a channel per connection, each with its own socket, and so many calls in flight,
// or streams, on each through the callback API.
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

void sleep_until(std::int64_t when) {
  std::this_thread::sleep_until(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(when)));
}

/// A channel for each connection.
class channels {
 public:
  explicit channels(const tools::bench_options& options) {
    std::string target = fmt::format("{}:{}", options.address.host, options.address.port);
    grpc::ChannelArguments arguments;
    // Channels to one address share a connection otherwise.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    for (std::size_t i = 0; i < options.connections; ++i) {
      channels_.push_back(grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments));
      stubs_.push_back(Methods::NewStub(channels_.back()));
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
  /// In turn.
  Methods::Stub* stub(std::size_t number) { return stubs_[number % stubs_.size()].get(); }

 private:
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::vector<std::unique_ptr<Methods::Stub>> stubs_;
};

class load {
 public:
  load(const tools::bench_options& options, channels& through, Request request)
      : options_(options), request_(std::move(request)) {
    for (std::size_t i = 0; i < options.connections * options.pipeline; ++i) {
      calls_.emplace_back(through.stub(i));
      free_.push_back(&calls_.back());
    }
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

  const tools::bench_options& options_;
  Request request_;
  std::deque<call> calls_;
  recorder recorder_;
  schedule schedule_{0, 1};
  std::atomic<bool> stopping_ = false;

  std::mutex mutex_;
  std::deque<call*> free_;
  std::size_t in_flight_ = 0;
  std::condition_variable ended_;
};

/// Streams of numbers, each begun again when it has ended. What may be on its way is HTTP/2's affair.
class streams {
 public:
  streams(const tools::bench_options& options, channels& through, std::int64_t last) : options_(options) {
    range_.set_to(last);
    for (std::size_t i = 0; i < options.connections * options.pipeline; ++i)
      readers_.emplace_back(*this, through.stub(i));
  }

  tools::stream_result run() {
    std::int64_t began = clock_ns();
    open_ = readers_.size();
    for (reader& each : readers_) each.begin();
    sleep_until(began + options_.warmup.count());
    recorder_.begin();
    sleep_until(clock_ns() + options_.duration.count());
    tools::stream_result result = recorder_.end();
    stopping_ = true;
    for (reader& each : readers_) each.cancel();
    std::unique_lock guard(mutex_);
    ended_.wait(guard, [this] { return open_ == 0; });
    return result;
  }

 private:
  class reader final : public grpc::ClientReadReactor<Number> {
   public:
    reader(streams& of, Methods::Stub* through) : of_(of), stub_(through) {}

    void begin() {
      {
        std::lock_guard guard(mutex_);
        context_ = std::make_unique<grpc::ClientContext>();
      }
      started_ = clock_ns();
      last_ = 0;
      expected_ = 0;
      in_order_ = true;
      stub_->async()->Count(context_.get(), &of_.range_, this);
      StartRead(&number_);
      StartCall();
      // The end may have come between the last stream and this one.
      if (of_.stopping_) cancel();
    }
    void cancel() {
      std::lock_guard guard(mutex_);
      if (context_) context_->TryCancel();
    }

   private:
    void OnReadDone(bool ok) override {
      if (!ok) return;
      in_order_ = in_order_ && number_.value() == expected_++;
      of_.recorder_.item(started_, last_, number_.ByteSizeLong() + message_prefix_bytes);
      StartRead(&number_);
    }
    void OnDone(const grpc::Status& status) override {
      of_.recorder_.ended(status.ok() && in_order_);
      if (!of_.stopping_) return begin();
      std::lock_guard guard(of_.mutex_);
      if (--of_.open_ == 0) of_.ended_.notify_one();
    }

    streams& of_;
    Methods::Stub* stub_;
    std::mutex mutex_;
    std::unique_ptr<grpc::ClientContext> context_;
    Number number_;
    std::int64_t started_ = 0;
    std::int64_t last_ = 0;
    std::int64_t expected_ = 0;
    bool in_order_ = true;
  };

  /// What gRPC puts before each message.
  static constexpr std::size_t message_prefix_bytes = 5;

  const tools::bench_options& options_;
  Range range_;
  std::deque<reader> readers_;
  stream_recorder recorder_;
  std::atomic<bool> stopping_ = false;

  std::mutex mutex_;
  std::size_t open_ = 0;
  std::condition_variable ended_;
};

std::unexpected<std::string> unreachable(const tools::bench_options& options) {
  return std::unexpected(fmt::format("cannot connect to {}:{}", options.address.host, options.address.port));
}

std::expected<tools::load_result, std::string> generate(const tools::bench_options& options) {
  Request request;
  if (!options.params.empty()) {
    auto parsed = google::protobuf::util::JsonStringToMessage(options.params, request.mutable_params());
    if (!parsed.ok()) return std::unexpected("--params is no JSON: " + parsed.ToString());
  }
  channels through(options);
  if (!through.connect()) return unreachable(options);
  return load(options, through, std::move(request)).run();
}

std::expected<tools::stream_result, std::string> read_streams(const tools::bench_options& options) {
  Range range;
  auto parsed = google::protobuf::util::JsonStringToMessage(options.params, &range);
  if (!parsed.ok()) return std::unexpected("--params is no {\"to\": number}: " + parsed.ToString());
  channels through(options);
  if (!through.connect()) return unreachable(options);
  return streams(options, through, range.to()).run();
}

}  // namespace

}  // namespace weft::peers

int main(int argc, char** argv) {
  return weft::peers::run_client(argc, argv, "Load on the gRPC server", weft::peers::generate,
                                 weft::peers::read_streams);
}
