#include "node/client/exchange.hpp"

#include <vector>

#include <fmt/format.h>

#include "proto/envelope.hpp"
#include "proto/message.hpp"

namespace weft::tools {

namespace {

bool answers_call(const proto::envelope& message) {
  if (message.kind != proto::message_kind::response) return false;
  // A peer that could not read the request answers with a null id.
  return message.id == exchange_id || (message.id == "null" && !message.error.empty());
}

/// This program serves no methods; a peer that calls back must hear so at once instead of waiting.
std::expected<void, client_error> refuse(client& connection, const proto::envelope& request,
                                         steady_clock::time_point until) {
  std::string reply;
  proto::append_error(reply, request.id,
                      make_error(error_code::method_not_found, "weft serves no methods here"));
  return connection.send(reply, until);
}

std::unexpected<client_error> failed(std::string message) {
  return std::unexpected(client_error{client_error::kind::failed, std::move(message)});
}

std::expected<answer, client_error> await_answer(client& connection, steady_clock::time_point until) {
  for (;;) {
    auto payload = connection.receive(until);
    if (!payload) return std::unexpected(payload.error());
    proto::envelope message;
    auto reply = read_message(connection, *payload, message, until);
    if (!reply) return std::unexpected(reply.error());
    if (*reply) return std::move(**reply);
  }
}

}  // namespace

std::expected<std::optional<answer>, client_error> read_message(client& connection, std::string_view payload,
                                                                proto::envelope& message,
                                                                steady_clock::time_point until) {
  std::vector<proto::envelope> batch;
  auto scanned =
      proto::scan(payload, {.max_depth = proto::depth_limit, .require_version = false}, message, batch);
  if (scanned.kind == proto::scan_kind::rejected) {
    return failed(fmt::format("the answer is no JSON-RPC: {} at byte {}", proto::to_string(scanned.why),
                              scanned.offset));
  }
  if (scanned.kind == proto::scan_kind::batch) {
    message = {};
    return std::nullopt;
  }
  if (answers_call(message)) {
    bool ok = message.error.empty();
    return answer{ok, std::string(ok ? message.result : message.error)};
  }
  if (message.kind == proto::message_kind::invalid && message.id == exchange_id) {
    return failed(fmt::format("the answer is malformed: {}: {}", proto::to_string(message.why), payload));
  }
  if (message.kind == proto::message_kind::request) {
    if (auto sent = refuse(connection, message, until); !sent) return std::unexpected(sent.error());
  }
  return std::nullopt;
}

std::expected<answer, client_error> exchange(client& connection, std::string_view request,
                                             steady_clock::time_point until) {
  if (auto sent = connection.send(request, until); !sent) return std::unexpected(sent.error());
  return await_answer(connection, until);
}

std::string connect_request(std::string_view token) {
  std::string params = R"({"heartbeat_ms":3600000,"token":)";
  proto::append_quoted(params, token);
  params += '}';
  std::string message;
  proto::append_request(message, exchange_id, "connect", params);
  return message;
}

}  // namespace weft::tools
