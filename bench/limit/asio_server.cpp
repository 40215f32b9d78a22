// The fixed reply on standalone Asio, one thread and no actors: what Asio's readiness loop costs by itself.
#include <array>
#include <memory>

#include <asio.hpp>

#include "bench/limit/fixed_reply.hpp"
#include "bench/limit/listener.hpp"

namespace weft::limit {

namespace {

/// Lives as long as a read or a write is under way.
class session : public std::enable_shared_from_this<session> {
 public:
  explicit session(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

  void read() {
    socket_.async_read_some(asio::buffer(chunk_),
                            [self = shared_from_this()](asio::error_code error, std::size_t size) {
                              if (!error) self->answer({self->chunk_.data(), size});
                            });
  }

 private:
  void answer(std::string_view chunk) {
    std::string_view input = chunk;
    if (!partial_.empty()) input = partial_.append(chunk);
    output_.clear();
    std::string rest(input.substr(answer_frames(input, output_)));
    partial_ = std::move(rest);
    if (output_.empty()) return read();
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this()](asio::error_code error, std::size_t) {
                        if (!error) self->read();
                      });
  }

  asio::ip::tcp::socket socket_;
  std::array<char, 16384> chunk_;
  std::string partial_;
  std::string output_;
};

void accept(asio::ip::tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](asio::error_code error, asio::ip::tcp::socket socket) {
    if (!error) {
      send_without_delay(socket.native_handle());
      std::make_shared<session>(std::move(socket))->read();
    }
    accept(acceptor);
  });
}

}  // namespace

}  // namespace weft::limit

int main(int argc, char** argv) {
  constexpr const char* usage = "limit_asio_server [--listen 127.0.0.1:PORT]";
  sockaddr_in address{};
  const char* listen = "127.0.0.1:0";
  if (argc == 3 && std::string_view(argv[1]) == "--listen") listen = argv[2];
  if ((argc != 1 && argc != 3) || !weft::limit::parse_ipv4(listen, address)) weft::limit::wrong_usage(usage);
  try {
    // One thread: a concurrency hint of 1 spares the locks.
    asio::io_context context(1);
    asio::ip::tcp::acceptor acceptor(context, asio::ip::tcp::v4(), weft::limit::listen_and_report(address));
    weft::limit::accept(acceptor);
    context.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
