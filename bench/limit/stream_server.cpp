// The physical limit of streams: items as the caller's credit allows.
#include "bench/limit/item_source.hpp"
#include "bench/limit/server_loop.hpp"

namespace {

struct streams {
  weft::limit::item_source source;

  std::size_t on_input(std::string_view input, std::string& output) {
    std::string_view rest = input;
    while (rest.size() >= 4 && rest.size() - 4 >= weft::limit::frame_length(rest)) {
      std::size_t length = weft::limit::frame_length(rest);
      source.on_message(rest.substr(4, length), output);
      rest.remove_prefix(4 + length);
    }
    return input.size() - rest.size();
  }
};

}  // namespace

int main(int argc, char** argv) {
  weft::limit::serve<streams>(argc, argv, "limit_stream_server [--listen 127.0.0.1:PORT]");
}
