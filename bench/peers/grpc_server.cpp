// gRPC's callback API, as its own examples use it.
#include <cstdio>

#include <grpcpp/grpcpp.h>

#include "grpc.grpc.pb.h"

namespace {

/// One stream of numbers: the next is written when the one before has been taken.
class counter final : public grpc::ServerWriteReactor<weft::peers::Number> {
 public:
  explicit counter(std::int64_t last) : last_(last) { write_next(); }

 private:
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    write_next();
  }
  void OnDone() override { delete this; }
  void write_next() {
    if (next_ > last_) return Finish(grpc::Status::OK);
    number_.set_value(next_++);
    StartWrite(&number_);
  }

  std::int64_t next_ = 0;
  std::int64_t last_;
  weft::peers::Number number_;
};

class methods final : public weft::peers::Methods::CallbackService {
  grpc::ServerUnaryReactor* Foo(grpc::CallbackServerContext* context, const weft::peers::Request*,
                                weft::peers::Reply* reply) override {
    reply->set_text("ok");
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  grpc::ServerWriteReactor<weft::peers::Number>* Count(grpc::CallbackServerContext*,
                                                       const weft::peers::Range* range) override {
    return new counter(range->to());
  }
};

}  // namespace

int main() {
  methods service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!server) {
    std::fprintf(stderr, "cannot listen on 127.0.0.1\n");
    return 1;
  }
  std::printf("ready listen=127.0.0.1:%d\n", port);
  std::fflush(stdout);
  server->Wait();
}
