#include "actors/router/inbound.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "actors/transport/network.hpp"
#include "proto/json/json_escape.hpp"

namespace weft {
namespace {

using coro::clock;

constexpr std::string_view frame_form =
    "a frame is a signed 32-bit big-endian length, then that many bytes of JSON";
constexpr std::string_view own_heartbeat_id = R"("heartbeat")";

rpc_error describe_rejected(const inbound_item& item, const limit_options& limits) {
  const auto why = proto::to_string(item.why);
  switch (item.why) {
    case proto::defect::too_deep:
      return make_error(error_code::parse_error,
                        fmt::format("Parse error: {} at byte {}, the limit is {} (limits.depth)", why,
                                    item.offset, limits.depth));
    case proto::defect::batch_too_large:
      return make_error(error_code::invalid_request,
                        fmt::format("Invalid Request: {}, {} (limits.batch_size)", why, limits.batch_size));
    default:
      if (!proto::is_parse_defect(item.why)) {
        return make_error(error_code::invalid_request, fmt::format("Invalid Request: {}", why));
      }
      return make_error(error_code::parse_error, fmt::format("Parse error: {} at byte {}", why, item.offset));
  }
}

/// What to say to who speaks another protocol; empty to all others.
std::string_view answer_to_foreign(close_reason ends_for) {
  switch (ends_for) {
    case close_reason::speaks_http:
      return "this port takes framed JSON-RPC, and what came is HTTP; metrics and health are at the admin "
             "port";
    case close_reason::speaks_tls:
      return "this port takes plain TCP, and what came is TLS; it is spoken where a node listens with tls://";
    case close_reason::speaks_ssh:
      return "this port takes framed JSON-RPC, and what came is SSH";
    default:
      return {};
  }
}

}  // namespace

void inbound::on_batch(inbound_batch& batch) {
  auto* entry = connections_.find(batch.from);
  if (entry == nullptr) return;
  // What came before goes first.
  if (entry->state.backlogged && !batch.resumed) {
    put_back(*entry, batch, 0);
    batch.items.clear();
  }
  open_batch of;
  time_slice slice(site_.home.slice(), batch);
  for (std::size_t i = 0; i < batch.items.size(); ++i) {
    auto& item = batch.items[i];
    const bool new_frame = item.group < 0 || item.group != of.index;
    if (new_frame && (connections_.must_wait(*entry) || slice.is_over_before(i))) [[unlikely]] {
      put_back(*entry, batch, i);
      break;
    }
    if (item.group != of.index) {
      of = {item.group, nullptr, 0};
      if (item.group >= 0) {
        const auto elements = batch.groups[static_cast<std::size_t>(item.group)];
        of.group = answers_.open_group(std::span(batch.items).subspan(i, elements), entry->key());
      }
    }
    look_at(*entry, item, of, batch.received);
  }
  // Messages that come again are only a part of what the connection asked for.
  if (slice.is_measured() && (!batch.resumed || slice.is_over()))
    entry->transport->set_long_winded(slice.is_over());
  if (batch.resumed) end_resumed(*entry);
  if (batch.broken != proto::frame_error::none) on_broken_stream(*entry, batch.broken);
  if (batch.end_of_stream) {
    entry->state.half_closed = true;
    if (entry->streams.made > 0) streams_.on_half_closed(*entry);
  }
  if (entry->state.half_closed) connections_.finish_if_done(*entry);
  // The batch comes again: the room for very many messages in one read must not stay with it.
  constexpr std::size_t most_kept = 8192;
  if (batch.items.capacity() > most_kept) [[unlikely]]
    std::vector<inbound_item>().swap(batch.items);
}

void inbound::put_back(connection_entry& entry, inbound_batch& batch, std::size_t from) {
  std::string frames;
  std::int32_t group = -1;
  for (std::size_t i = from; i < batch.items.size(); ++i) {
    const auto& item = batch.items[i];
    if (item.group < 0) {
      proto::append_frame(frames, item.message.text);
    } else if (item.group != group) {
      proto::append_frame(frames, batch.group_texts[static_cast<std::size_t>(item.group)]);
    }
    group = item.group;
  }
  const auto broke = std::exchange(batch.broken, proto::frame_error::none);
  if (frames.empty() && broke == proto::frame_error::none) return;
  entry.transport->put_back(frames, batch.resumed, broke);
  entry.state.backlogged = true;
  // With the end of this turn the connection looks whether it may go on.
  connections_.output(entry);
}

void inbound::end_resumed(connection_entry& entry) {
  entry.state.backlogged = entry.transport->end_resumed();
  if (entry.state.backlogged) connections_.output(entry);
}

// One message fails, those behind it do not. Whoever waits for its answer hears so, or in a batch nobody
// would get any.
void inbound::look_at(connection_entry& entry, inbound_item& item, open_batch& of,
                      clock::time_point received) {
  const auto missing = of.group == nullptr ? 0 : of.group->missing;
  const auto own_part = of.part;
  try {
    on_item(entry, item, of, received);
  } catch (const std::exception& e) {
    site_.metrics().add(metric::actor_failures);
    site_.shared.log->error("router {}: {}", site_.index(), e.what());
    const bool answered = of.group != nullptr && of.group->missing != missing;
    if (item.message.kind != proto::message_kind::request || answered) return;
    answers_.error({entry.key(), item.message.id, of.group, own_part, true},
                   make_error(error_code::internal_error, "internal error of the node; its log says more"));
  }
}

void inbound::on_item(connection_entry& entry, inbound_item& item, open_batch& of,
                      clock::time_point received) {
  if (item.kind == proto::scan_kind::rejected) return on_rejected(entry, item);
  auto& message = item.message;
  answer_target target{entry.key(), message.id, of.group, of.part, true};
  switch (message.kind) {
    case proto::message_kind::request:
      site_.metrics().add(metric::requests);
      ++of.part;
      return on_request(entry, message, target, received);
    case proto::message_kind::notification:
      site_.metrics().add(metric::notifications);
      target.wanted = false;
      return on_request(entry, message, target, received);
    case proto::message_kind::response:
      site_.metrics().add(metric::responses);
      return on_response(entry, message);
    case proto::message_kind::invalid:
      site_.metrics().add(metric::messages_invalid);
      if (!is_response_defect(message.why)) ++of.part;
      return on_invalid(entry, message, target);
  }
}

void inbound::on_request(connection_entry& entry, proto::envelope& message, const answer_target& target,
                         clock::time_point received) {
  request r{entry, message, message.method, target, received, usual_deadline(site_.options.protocol)};
  if (message.method_escaped) {
    proto::unescape(r.name, name_scratch_);
    r.name = name_scratch_;
  }
  records_.begin(r);
  method_stats* stats = &records_.stats().server_other();
  const auto refuse = [&](const rpc_error& error) {
    records_.answered_now(r, *stats, error.code);
    answers_.error(target, error);
  };
  const check_view view{site_, calls_, gate_, records_};
  if (const auto wrong = check_message(view, r)) return refuse(*wrong);
  const auto charge = [&] { gate_.charge_quota(entry, message.text.size()); };
  if (r.name.starts_with(proto::stream_prefix) && streams_.handle(r)) return charge();
  if (session_.handle(r)) return charge();
  if (const auto wrong = check_call(view, r)) return refuse(*wrong);
  last_request_ns_ = received.time_since_epoch().count();
  const auto* local = handlers_.find(r.name);
  const auto* serving = local != nullptr ? nullptr : site_.routes->find(r.name);
  if (local == nullptr && serving == nullptr && site_.routes->settled) {
    return refuse(make_error(error_code::method_not_found, fmt::format("method '{}' not found", r.name)));
  }
  if (const auto wrong = message.deadline_ms.empty() ? std::nullopt : take_deadline(site_, r)) {
    if (local != nullptr) stats = local->stats;
    if (serving != nullptr) stats = &records_.stats_of(*serving);
    return refuse(*wrong);
  }
  const bool streams_items =
      local != nullptr ? local->what->streams() != nullptr : serving != nullptr && serving->streams;
  if (streams_items) [[unlikely]] {
    if (const auto wrong = streams::check(message)) return refuse(*wrong);
    if (message.deadline_ms.empty() && !message.stream.empty()) r.deadline = stream_without_deadline;
  }
  if (local != nullptr) return handlers_.invoke(*local, r);
  upstream_.forward(r, serving);
}

void inbound::on_response(connection_entry& entry, const proto::envelope& message) {
  if (message.id == own_heartbeat_id) return;
  auto* a = calls_.named_by(entry, message.id);
  if (a == nullptr) {
    // A port that takes no links from this node says why before it closes, and knows no id to say it to.
    if (entry.as == connection_entry::role::node_out && !entry.state.introduced) heed(entry, message);
    return site_.metrics().add(metric::responses_unmatched);
  }
  // What comes behind the node's answer to connect finds this process connected.
  if (entry.as == connection_entry::role::uplink && !entry.state.introduced) entry.state.registering = true;
  upstream_.on_response(*a, message);
}

void inbound::heed(connection_entry& entry, const proto::envelope& message) {
  const auto error = nlohmann::json::parse(message.error, nullptr, false);
  if (!error.is_object() || !error.contains("message") || !error["message"].is_string()) return;
  constexpr std::size_t longest_reason = 300;
  entry.state.goaway_reason = error["message"].get<std::string>().substr(0, longest_reason);
}

void inbound::on_rejected(connection_entry& entry, const inbound_item& item) {
  auto& metrics = site_.metrics();
  metrics.add(metric::messages_invalid);
  if (item.why == proto::defect::too_deep) metrics.add(metric::limit_depth);
  if (item.why == proto::defect::batch_too_large) metrics.add(metric::limit_batch_size);
  const bool was_response =
      entry.load.received_count > 0 &&
      on_malformed_response(entry, proto::find_response_id(item.message.text), proto::to_string(item.why));
  if (!was_response) answers_.error({entry.key(), {}}, describe_rejected(item, site_.options.limits));
}

void inbound::on_invalid(connection_entry& entry, const proto::envelope& message,
                         const answer_target& target) {
  // An invalid response is never answered: two programs could answer each other's errors for ever.
  if (is_response_defect(message.why)) {
    // An id that stands there twice is no less recognisable.
    const auto id = message.id.empty() ? proto::find_response_id(message.text) : message.id;
    if (!on_malformed_response(entry, id, proto::to_string(message.why)))
      site_.metrics().add(metric::responses_unmatched);
    return;
  }
  // Neither result nor error nor method, but the id of a call that it was to answer.
  const bool was_response =
      message.why == proto::defect::method_missing &&
      on_malformed_response(entry, message.id, proto::to_string(proto::defect::result_and_error));
  if (was_response && target.group == nullptr) return;
  answers_.error(target, make_error(error_code::invalid_request,
                                    fmt::format("Invalid Request: {}", proto::to_string(message.why))));
}

bool inbound::on_malformed_response(connection_entry& entry, std::string_view raw_id, std::string_view why) {
  auto* a = calls_.named_by(entry, raw_id);
  if (a == nullptr) return false;
  records_.malformed(entry);
  const auto name = entry.party.title().empty() ? format_address(entry.party.address) : entry.party.title();
  if (const auto left_out = session_.lines().take(site_.now())) {
    site_.shared.log->warn(
        "connection {}: {} answers a call{} with what is no response: {} ({} such lines left out)",
        entry.id.slot, name,
        a->of->asked.method.empty() ? std::string() : fmt::format(" of '{}'", a->of->asked.method), why,
        *left_out);
  }
  upstream_.on_failed(*a,
                      site_.unavailable(fmt::format("the answer of {} cannot be understood: {}", name, why),
                                        executed::unknown));
  return true;
}

void inbound::on_broken_stream(connection_entry& entry, proto::frame_error error) {
  const auto& limits = site_.options.limits;
  const auto limit = entry.is_link() ? link_frame_bytes(limits) : limits.frame_bytes;
  if (const auto foreign = answer_to_foreign(entry.transport->ends_for()); !foreign.empty()) {
    answers_.error({entry.key(), {}}, make_error(error_code::invalid_request, std::string(foreign)));
  } else if (error == proto::frame_error::too_large) {
    // Whoever has not sent one frame yet may not know what one is.
    const bool knows = entry.transport->ends_for() != close_reason::speaks_something_else;
    answers_.error({entry.key(), {}},
                   site_.exhausted(fmt::format("frame over the limit of {} bytes (limits.frame_bytes{}){}",
                                               limit, entry.is_link() ? ", and what nodes may add" : "",
                                               knows ? "" : "; " + std::string(frame_form)),
                                   executed::no));
  } else {
    answers_.error({entry.key(), {}}, make_error(error_code::invalid_request,
                                                 fmt::format("{}: {}; the length is from 1 to {}",
                                                             proto::to_string(error), frame_form, limit)));
  }
  connections_.output(entry).finish = true;
}

}  // namespace weft
