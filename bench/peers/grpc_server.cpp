// gRPC's callback API, as its own examples use it.
#include <cstdio>

#include <grpcpp/grpcpp.h>

#include "grpc.grpc.pb.h"

namespace {

class methods final : public weft::peers::Methods::CallbackService {
  grpc::ServerUnaryReactor* Foo(grpc::CallbackServerContext* context, const weft::peers::Request*,
                                weft::peers::Reply* reply) override {
    reply->set_text("ok");
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
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
