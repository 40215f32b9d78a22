// The physical limit: a fixed reply to every frame.
#include "bench/limit/fixed_reply.hpp"
#include "bench/limit/server_loop.hpp"

namespace {

struct fixed_replies {
  static std::size_t on_input(std::string_view input, std::string& output) {
    return weft::limit::answer_frames(input, output);
  }
};

}  // namespace

int main(int argc, char** argv) {
  weft::limit::serve<fixed_replies>(argc, argv, "limit_server [--listen 127.0.0.1:PORT]");
}
