#include "actors/router/router.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "actors/methods/method_pattern.hpp"
#include "actors/transport/network.hpp"
#include "proto/json/number.hpp"
#include "proto/message.hpp"

namespace weft {
namespace {

using coro::clock;
using std::chrono::milliseconds;

using proto::parse_double;

constexpr std::string_view own_heartbeat_id = R"("heartbeat")";
/// The deadline of a request: absent takes the default, a non-number is a defect of the message.
std::optional<clock::duration> parse_deadline(std::string_view raw, const protocol_options& options) {
  using std::chrono::microseconds;
  if (raw.empty()) return std::min(options.default_deadline, options.max_deadline);
  const auto ms = parse_double(raw);
  if (!ms) return std::nullopt;
  constexpr double microseconds_each = 1e3;
  const auto most = static_cast<double>(options.max_deadline.count());
  const auto limited = std::clamp(*ms, -1.0, most) * microseconds_each;
  // Time that is left is never none, however little it is.
  return microseconds(static_cast<std::int64_t>(limited > 0 ? std::ceil(limited) : std::floor(limited)));
}

/// The id of one of our own calls; others' ids may be anything.
std::optional<std::uint64_t> parse_call_number(std::string_view raw_id) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(raw_id.data(), raw_id.data() + raw_id.size(), number);
  if (error != std::errc() || end != raw_id.data() + raw_id.size()) return std::nullopt;
  return number;
}

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

}  // namespace

router::router(caf::actor_config& config, reactor& home, shard& shared, router_environment environment)
    : pinned_actor(config, home),
      shared_(shared),
      environment_(std::move(environment)),
      stats_(shared.options.limits.call_series, shared.options.limits.share_percent),
      budget_(shared.options.balance.retry, home.now()),
      recorder_(call_recorder::make(home, shared.options, environment_.sinks)) {
  for (const auto* m : environment_.services->list()) {
    const auto limited = environment_.admissions->find(m->name);
    methods_.emplace(m->name,
                     local_method{m, &stats_.server(m->name),
                                  limited == environment_.admissions->end() ? nullptr : limited->second});
  }
  auto empty = std::make_shared<routing_table>();
  empty->settled = shared.options.mesh.peers.empty();
  routes_ = std::move(empty);
  tasks_.emplace(home, [log = shared.log](const std::exception_ptr&) {
    log->error("an exception left a root coroutine; this is a bug of the node");
  });
  home.metrics().add(metric::actors_router);
}

router::~router() = default;

void router::receive(actor_message& message) {
  using type = actor_message::type;
  in_turn_ = true;
  switch (message.what()) {
    case type::inbound_batch:
      return on_batch(static_cast<inbound_batch&>(message));
    case type::connection_closed:
      return on_closed(static_cast<connection_closed&>(message));
    case type::adopt_socket:
      return on_adopt_socket(static_cast<adopt_socket&>(message));
    case type::adopt_link:
      return on_adopt_link(static_cast<adopt_link&>(message));
    case type::retire_link:
      return on_retire_link(static_cast<retire_link&>(message));
    case type::remote_calls:
      return on_remote(static_cast<remote_calls&>(message));
    case type::blocking_done:
      return on_blocking_done(static_cast<blocking_done&>(message));
    case type::send: {
      auto& out = static_cast<send_message&>(message);
      if (auto* entry = find(out.key)) send_frame(*entry, out.payload, false);
      return;
    }
    case type::registered:
      return on_registered(static_cast<registered_message&>(message));
    case type::refuse_link:
      return on_refuse_link(static_cast<refuse_link&>(message));
    case type::probe_link:
      tasks_->spawn(probe(this, static_cast<probe_link&>(message).key));
      return;
    case type::unfinished_frames:
      return on_unfinished_frames();
    case type::snapshot:
      routes_ = std::move(static_cast<snapshot_message&>(message).routes);
      std::ranges::move(static_cast<snapshot_message&>(message).registrations, std::back_inserter(in_force_));
      // An instance may have come that has room.
      for (const auto& [admission, queue] : queues_)
        room_came_up(static_cast<call*>(queue.first())->admission);
      return;
    case type::room:
      return on_room(static_cast<room_message&>(message));
    case type::inspect:
      return on_inspect(static_cast<inspect_message&>(message));
    case type::drain:
      return on_drain(static_cast<drain_message&>(message));
    case type::close:
      return terminate();
    default:
      return;
  }
}

void router::end_of_turn() {
  if (!freed_.empty()) offer_room();
  in_turn_ = false;
  home().metrics().set(metric::router_queue, messages_in_turn());
  if (!observed_.empty()) {
    const auto took = clock::now() - home().now();
    for (const auto& [stats, code] : observed_) stats->observe(code, took);
    observed_.clear();
  }
  if (inspected_ || stats_.crowded()) [[unlikely]] {
    inspected_ = false;
    sweep_series(home().now());
  }
  for (const auto slot : dirty_) {
    auto& entry = links_[slot];
    entry.dirty = false;
    if (!entry.open || !entry.out || entry.registering) continue;
    send_to(entry.actor, std::move(entry.out));
  }
  dirty_.clear();
  for (std::size_t i = 0; i < remote_out_.size(); ++i) {
    if (remote_out_[i]) send_to((*environment_.routers)[i], std::move(remote_out_[i]));
  }
  if (in_force_.empty()) return;
  // Behind what was sent with the table before.
  for (const auto& done : in_force_) {
    if (done->missing.fetch_sub(1, std::memory_order_acq_rel) != 1) continue;
    send_to((*environment_.routers)[done->shard],
            make_actor_message<registered_message>(done->ticket, std::move(done->refusal)));
  }
  in_force_.clear();
}

void router::on_terminate() {
  tasks_.reset();
  if (recorder_) recorder_->finish();
  for (auto& entry : links_) {
    if (entry.open) send_to(entry.actor, make_actor_message<close_message>());
    entry.open = false;
    entry.actor.reset();
    entry.dialler.reset();
  }
  home().metrics().add(metric::actors_router, -1);
}

void router::on_exception(std::string_view what) noexcept {
  home().metrics().add(metric::actor_failures);
  shared_.log->error("router {}: {}", home().index(), what);
}

void router::on_batch(inbound_batch& batch) {
  auto* entry = find(batch.from);
  if (entry == nullptr) return;
  auto& metrics = home().metrics();
  metrics.add(metric::router_batches);
  // One look at the clock per batch would be a noticeable part of a small one.
  constexpr std::int64_t sampled = 64;
  if (metrics.get(metric::router_batches) % sampled == 0) measure_wait(batch.received);
  metrics.add(metric::router_items, static_cast<std::int64_t>(batch.items.size()));
  if (!batch.groups.empty()) metrics.add(metric::batches, static_cast<std::int64_t>(batch.groups.size()));
  // What came before goes first.
  if (entry->backlogged && !batch.resumed) {
    put_back(*entry, batch, 0);
    batch.items.clear();
  }
  entry->backlogged = entry->backlogged && !batch.resumed;
  batch_answers* group = nullptr;
  std::int32_t group_index = -1;
  std::uint32_t part = 0;
  for (std::size_t i = 0; i < batch.items.size(); ++i) {
    auto& item = batch.items[i];
    const bool new_frame = item.group < 0 || item.group != group_index;
    if (new_frame && has_output_enough(*entry)) [[unlikely]] {
      put_back(*entry, batch, i);
      break;
    }
    if (item.group != group_index) {
      group_index = item.group;
      part = 0;
      group = group_index < 0
                  ? nullptr
                  : open_group(batch, i, batch.groups[static_cast<std::size_t>(group_index)], entry->key());
    }
    look_at(*entry, item, group, part, batch.received);
  }
  if (batch.broken != proto::frame_error::none) on_broken_stream(*entry, batch.broken);
  if (batch.end_of_stream) {
    entry->half_closed = true;
  }
  if (entry->half_closed) finish_if_done(*entry);
}

bool router::has_output_enough(const link_entry& entry) const noexcept {
  return entry.out && output_bytes(entry) > options().limits.output_soft_bytes;
}

void router::put_back(link_entry& entry, const inbound_batch& batch, std::size_t from) {
  auto& out = output(entry).deferred;
  std::int32_t group = -1;
  for (std::size_t i = from; i < batch.items.size(); ++i) {
    const auto& item = batch.items[i];
    if (item.group < 0) {
      proto::append_frame(out, item.message.text);
    } else if (item.group != group) {
      proto::append_frame(out, batch.group_texts[static_cast<std::size_t>(item.group)]);
    }
    group = item.group;
  }
  entry.backlogged = !out.empty();
}

// One message fails, those behind it do not. Whoever waits for its answer hears so, or in a batch nobody
// would get any.
void router::look_at(link_entry& entry, inbound_item& item, batch_answers* group, std::uint32_t& part,
                     clock::time_point received) {
  const auto missing = group == nullptr ? 0 : group->missing;
  const auto own_part = part;
  try {
    on_item(entry, item, group, part, received);
  } catch (const std::exception& e) {
    on_exception(e.what());
    const bool answered = group != nullptr && group->missing != missing;
    if (item.message.kind != proto::message_kind::request || answered) return;
    answer_error({entry.key(), item.message.id, group, own_part, true},
                 make_error(error_code::internal_error, "internal error of the node; its log says more"));
  }
}

void router::on_item(link_entry& entry, inbound_item& item, batch_answers* group, std::uint32_t& part,
                     clock::time_point received) {
  auto& metrics = home().metrics();
  if (item.kind == proto::scan_kind::rejected) {
    metrics.add(metric::messages_invalid);
    if (item.why == proto::defect::too_deep) metrics.add(metric::limit_depth);
    if (item.why == proto::defect::batch_too_large) metrics.add(metric::limit_batch_size);
    if (entry.received_count > 0) {
      on_malformed_response(entry, proto::find_response_id(item.message.text), proto::to_string(item.why));
    }
    return answer_error({entry.key(), {}}, describe_rejected(item, options().limits));
  }
  auto& message = item.message;
  answer_target target{entry.key(), message.id, group, part, true};
  switch (message.kind) {
    case proto::message_kind::request:
      metrics.add(metric::requests);
      ++part;
      return on_request(entry, message, target, received);
    case proto::message_kind::notification:
      metrics.add(metric::notifications);
      target.wanted = false;
      return on_request(entry, message, target, received);
    case proto::message_kind::response:
      metrics.add(metric::responses);
      return on_response(entry, message);
    case proto::message_kind::invalid:
      metrics.add(metric::messages_invalid);
      if (!is_response_defect(message.why)) ++part;
      return on_invalid(entry, message, target);
  }
}

method_stats& router::stats_of(const route& serving) {
  std::uint64_t owner = 1;
  if (!serving.endpoints.empty()) {
    const auto& link = serving.endpoints.front().link;
    owner =
        (std::uint64_t{link.key.generation} << 40U | std::uint64_t{link.shard} << 32U | link.key.slot) + 2;
  }
  auto& stats = stats_.server(serving.pattern, owner);
  if (stats_.crowded() && &stats == &stats_.server_other()) home().metrics().add(metric::limit_call_series);
  return stats;
}

// Between turns: nothing of this turn refers to series any more.
void router::sweep_series(coro::clock::time_point now) {
  constexpr std::chrono::seconds usual{10};
  constexpr std::chrono::seconds when_crowded{1};
  if (now - series_swept_ < (stats_.crowded() ? when_crowded : usual)) return;
  series_swept_ = now;
  const auto retention =
      stats_.crowded() ? std::chrono::milliseconds(0) : options().limits.call_series_retention;
  stats_.sweep(now, retention, [this](std::string_view pattern) {
    const bool prefix = is_prefix_pattern(pattern);
    const auto found =
        prefix ? routes_->prefixes.find(pattern.substr(0, pattern.size() - 1)) : routes_->exact.find(pattern);
    return found != (prefix ? routes_->prefixes.end() : routes_->exact.end()) &&
           !found->second.endpoints.empty();
  });
  stats_.swept();
}

void router::measure_wait(clock::time_point since) {
  home().metrics().add(metric::router_waits);
  home().metrics().add(metric::router_wait_ns, std::max<std::int64_t>(0, (clock::now() - since).count()));
}

batch_answers* router::open_group(const inbound_batch& batch, std::size_t first_item, std::uint32_t elements,
                                  connection_key to) {
  std::uint32_t wanted = 0;
  for (std::size_t i = first_item; i < first_item + elements; ++i) {
    const auto& message = batch.items[i].message;
    const bool answered = message.kind == proto::message_kind::request ||
                          (message.kind == proto::message_kind::invalid && !is_response_defect(message.why));
    if (answered) ++wanted;
  }
  if (wanted == 0) return nullptr;
  if (free_groups_.empty()) free_groups_.push_back(std::make_unique<batch_answers>());
  auto* group = free_groups_.back().release();
  free_groups_.pop_back();
  home().metrics().add(metric::batches_open);
  group->to = to;
  group->parts.assign(wanted, {});
  group->missing = wanted;
  return group;
}

void router::on_invalid(link_entry& entry, const proto::envelope& message, const answer_target& target) {
  // An invalid response is never answered: two programs could answer each other's errors for ever.
  if (is_response_defect(message.why)) {
    return on_malformed_response(entry, message.id, proto::to_string(message.why));
  }
  // Neither result nor error nor method, but the id of a call that it was to answer.
  if (message.why == proto::defect::method_missing && called(entry, message.id) != nullptr) {
    const auto id = message.id;
    on_malformed_response(entry, id, proto::to_string(proto::defect::result_and_error));
    if (target.group == nullptr) return;
  }
  answer_error(target, make_error(error_code::invalid_request,
                                  fmt::format("Invalid Request: {}", proto::to_string(message.why))));
}

void router::on_broken_stream(link_entry& entry, proto::frame_error error) {
  const auto limit = options().limits.frame_bytes;
  if (error == proto::frame_error::too_large) {
    answer_error({entry.key(), {}},
                 make_mesh_error(error_code::resource_exhausted,
                                 fmt::format("frame over the limit of {} bytes (limits.frame_bytes)", limit),
                                 executed::no, options().id));
  } else {
    answer_error(
        {entry.key(), {}},
        make_error(
            error_code::invalid_request,
            fmt::format("{}: a frame is a signed 32-bit big-endian length from 1 to {}, then that many "
                        "bytes of JSON",
                        proto::to_string(error), limit)));
  }
  output(entry).finish = true;
}

void router::on_request(link_entry& entry, proto::envelope& message, answer_target target,
                        clock::time_point received) {
  std::string_view name = message.method;
  if (message.method_escaped) {
    proto::unescape(name, name_scratch_);
    name = name_scratch_;
  }
  if (recorder_) begin_request(entry, name, message, received);
  const auto refuse = [&](const rpc_error& error) {
    answered_now(stats_.server_other(), error.code);
    answer_error(target, error);
  };
  if (name.size() > options().limits.method_name_bytes) {
    home().metrics().add(metric::limit_method_name);
    return refuse(
        make_error(error_code::invalid_request,
                   fmt::format("method name of {} bytes is over the limit of {} (limits.method_name_bytes)",
                               name.size(), options().limits.method_name_bytes)));
  }
  if (entry.made_count > 0 && target.wanted && calls_.find(entry.key(), message.id) != nullptr) {
    return refuse(make_error(error_code::invalid_request,
                             fmt::format("id {} is in use by a call that is still under way", message.id)));
  }
  if (on_control(entry, name, message, target)) return;
  // What comes over a link from another node was allowed where it came from.
  if (entry.who != nullptr && entry.as == link_entry::role::client && !entry.who->call.covers(name)) {
    return refuse(refuse_access(*entry.who, metric::auth_call, fmt::format("call '{}'", name)));
  }
  last_request_ns_ = received.time_since_epoch().count();
  const auto found = methods_.find(name);
  const bool here = found != methods_.end();
  const auto* serving = here ? nullptr : routes_->find(name);
  if (!here && serving == nullptr && routes_->settled) {
    return refuse(make_error(error_code::method_not_found, fmt::format("method '{}' not found", name)));
  }
  auto& stats = here ? *found->second.stats : serving == nullptr ? stats_.server_other() : stats_of(*serving);
  const auto deadline = parse_deadline(message.deadline_ms, options().protocol);
  if (!deadline) {
    return refuse(
        make_error(error_code::invalid_request,
                   fmt::format("deadline_ms is a number of milliseconds, not {}", message.deadline_ms)));
  }
  if (!message.deadline_ms.empty() && deadline->count() <= 0) {
    answered_now(stats, static_cast<std::int32_t>(error_code::deadline_exceeded));
    return answer_error(target,
                        make_mesh_error(error_code::deadline_exceeded, "the deadline had passed on arrival",
                                        executed::no, options().id));
  }
  if (!here) return forward(entry, message, name, target, serving, received, *deadline);
  invoke(found->second, entry, message, target, received, *deadline);
}

call* router::called(const link_entry& entry, std::string_view raw_id) {
  const auto number = parse_call_number(raw_id);
  call* c = number ? calls_.find(call_key::from(*number)) : nullptr;
  return c != nullptr && c->to == call::target::connection && c->callee == entry.key() ? c : nullptr;
}

void router::on_response(link_entry& entry, const proto::envelope& message) {
  if (message.id == own_heartbeat_id) return;
  auto* c = called(entry, message.id);
  if (c == nullptr) {
    home().metrics().add(metric::responses_unmatched);
    return;
  }
  deliver(*c, message);
}

void router::on_malformed_response(link_entry& entry, std::string_view raw_id, std::string_view why) {
  auto* c = called(entry, raw_id);
  if (c == nullptr) return;
  const auto& introduced_as = entry.node.empty() ? entry.name : entry.node;
  malformed_.add(introduced_as.empty() ? named_counts::other : method_label(introduced_as));
  const auto name = introduced_as.empty() ? format_address(entry.address) : introduced_as;
  if (const auto left_out = malformed_lines_.take(home().now())) {
    shared_.log->warn(
        "connection {}: {} answers a call of '{}' with what is no response: {} ({} such lines left out)",
        entry.slot, name, c->method, why, *left_out);
  }
  fail(*c,
       unavailable(fmt::format("the answer of {} cannot be understood: {}", name, why), executed::unknown));
}

void router::on_inspect(inspect_message& message) {
  router_report report;
  inspected_ = true;
  if (message.connections) report.connections = describe_connections();
  stats_.append_to(report.calls);
  malformed_.visit([&](const std::string& service, std::uint64_t count) {
    report.malformed_responses.push_back({service, count});
  });
  report.in_flight = calls_.size() - left_behind_;
  for (const auto& entry : links_) {
    if (!entry.open) continue;
    report.introduced += entry.introduced ? 1 : 0;
    report.pending_output_bytes += entry.status->status().pending_output;
  }
  report.last_request_ns = last_request_ns_;
  message.report.set_value(std::move(report));
}

}  // namespace weft
