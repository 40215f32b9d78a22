// CAF's own brokers and nlohmann_json, one broker per connection: the plain way to write this program with
// CAF.
#include <cstdint>
#include <cstdio>

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <nlohmann/json.hpp>

namespace {

using nlohmann::json;

constexpr std::size_t header_bytes = 4;

json answer(const json& request) {
  json reply = {{"jsonrpc", "2.0"}, {"id", request.at("id")}};
  if (request.at("method") == "foo") {
    reply["result"] = "ok";
  } else {
    reply["error"] = {{"code", -32601}, {"message", "no such method"}};
  }
  return reply;
}

std::uint32_t length_of(const std::vector<char>& header) {
  std::uint32_t length = 0;
  std::memcpy(&length, header.data(), sizeof length);
  return __builtin_bswap32(length);
}

void send(caf::io::broker* self, caf::io::connection_handle handle, const std::string& payload) {
  std::uint32_t length = __builtin_bswap32(static_cast<std::uint32_t>(payload.size()));
  self->write(handle, sizeof length, &length);
  self->write(handle, payload.size(), payload.data());
  self->flush(handle);
}

caf::behavior connection(caf::io::broker* self, caf::io::connection_handle handle) {
  self->configure_read(handle, caf::io::receive_policy::exactly(header_bytes));
  return {
      [self, in_header = true](const caf::io::new_data_msg& message) mutable {
        std::size_t next = header_bytes;
        if (in_header) {
          next = length_of(message.buf);
        } else {
          send(self, message.handle, answer(json::parse(message.buf)).dump());
        }
        in_header = !in_header;
        self->configure_read(message.handle, caf::io::receive_policy::exactly(next));
      },
      [self](const caf::io::connection_closed_msg&) { self->quit(); },
  };
}

caf::behavior acceptor(caf::io::broker* self) {
  auto listening = self->add_tcp_doorman(0, "127.0.0.1");
  if (!listening) {
    std::fprintf(stderr, "cannot listen: %s\n", self->system().render(listening.error()).c_str());
    std::exit(1);
  }
  std::printf("ready listen=127.0.0.1:%d\n", listening->second);
  std::fflush(stdout);
  return {
      [self](const caf::io::new_connection_msg& message) { self->fork(connection, message.handle); },
  };
}

}  // namespace

int main() {
  caf::actor_system_config config;
  config.load<caf::io::middleman>();
  config.set("scheduler.max-threads", std::size_t{1});
  caf::actor_system system(config);
  system.middleman().spawn_broker(acceptor);
}
