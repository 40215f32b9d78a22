// The service behind the NATS server: subscribed to `foo`, it parses the params and answers "ok". Subscribed
// to `count` and `count.credit`, it streams numbers to the inbox of whoever asks, as far as they are granted:
// without that the server would cut off a reader that is slower.
#include <algorithm>
#include <cstdio>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "bench/peers/nats_wire.hpp"
#include "node/commands/arguments.hpp"

namespace {

using nlohmann::json;

void answer(weft::peers::nats_connection& connection, std::string_view reply_to, std::string_view payload) {
  json params = payload.empty() ? json() : json::parse(payload);
  connection.publish(reply_to, "", json("ok").dump());
}

/// The streams that are open, by the inbox they go to.
class counters {
 public:
  explicit counters(weft::peers::nats_connection& connection) : connection_(connection) {}

  void begin(std::string_view inbox, std::string_view payload) {
    json params = json::parse(payload);
    counter& opened = open_[std::string(inbox)];
    opened = {0, params.at("to").get<std::int64_t>(), params.at("credit").get<std::int64_t>()};
    send(inbox, opened);
  }
  void grant(std::string_view inbox, std::string_view payload) {
    auto found = open_.find(std::string(inbox));
    if (found == open_.end()) return;
    std::int64_t more = 0;
    std::from_chars(payload.data(), payload.data() + payload.size(), more);
    found->second.credit += more;
    send(inbox, found->second);
  }

 private:
  struct counter {
    std::int64_t next = 0;
    std::int64_t last = 0;
    std::int64_t credit = 0;
  };

  void send(std::string_view inbox, counter& of) {
    for (; of.next <= of.last && of.credit > 0; ++of.next, --of.credit) {
      char digits[20];
      auto end = std::to_chars(digits, digits + sizeof digits, of.next).ptr;
      connection_.publish(inbox, "", std::string_view(digits, end));
    }
    if (of.next <= of.last || of.credit == 0) return;
    // The end is a message without a payload.
    connection_.publish(inbox, "", "");
    open_.erase(std::string(inbox));
  }

  weft::peers::nats_connection& connection_;
  std::unordered_map<std::string, counter> open_;
};

void serve(const weft::host_port& server) {
  weft::peers::nats_connection connection(server);
  counters streams(connection);
  for (const char* subject : {"foo", "count", "count.credit"}) connection.subscribe(subject);
  std::printf("ready listen=%s:%d\n", server.host.c_str(), server.port);
  std::fflush(stdout);
  for (;;) {
    connection.receive([&](std::string_view subject, std::string_view reply_to, std::string_view payload) {
      if (subject == "foo") return answer(connection, reply_to, payload);
      if (subject == "count") return streams.begin(reply_to, payload);
      streams.grant(reply_to, payload);
    });
    connection.flush();
  }
}

}  // namespace

int main(int argc, char** argv) {
  weft::host_port server;
  CLI::App app("A service behind a NATS server");
  weft::tools::add_address(app, "SERVER", server, "Where the NATS server listens");
  CLI11_PARSE(app, argc, argv);
  try {
    serve(server);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
