#include "actors/router/handlers.hpp"

#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "actors/router/stream_driver.hpp"
#include "actors/service/current_exception.hpp"
#include "proto/json/value_bytes.hpp"

namespace weft {
namespace {

using nlohmann::json;

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Without the library's name of the exception, "[json.exception.out_of_range.406] ".
std::string_view without_tag(std::string_view what) {
  const auto end = what.find("] ");
  return what.starts_with('[') && end != what.npos ? what.substr(end + 2) : what;
}

}  // namespace

std::expected<json, rpc_error> parse_value(std::string_view raw) {
  if (raw.empty()) return json(nullptr);
  try {
    return json::parse(raw);
  } catch (const json::exception& e) {
    return std::unexpected(make_error(error_code::invalid_params,
                                      fmt::format("params cannot be read: {}", without_tag(e.what()))));
  }
}

/// A request of a connection: what is answered at once becomes no call.
class handlers::request_source {
 public:
  request_source(handlers& of, const local_method& local, request& r) noexcept
      : of_(of), local_(local), r_(r) {}

  template <class Append>
  void answer_raw(Append&& append) {
    std::int32_t code = 0;
    const auto write = [&](std::string& out) {
      const auto start = out.size();
      proto::begin_result(out, r_.target.raw_id);
      const auto error = append(out);
      if (!error) return proto::end_result(out);
      code = error->code;
      out.resize(start);
      proto::append_error(out, r_.target.raw_id, *error);
    };
    if (r_.target.wanted) {
      of_.answers_.render(r_.target, write);
    } else {
      of_.scratch_.clear();
      write(of_.scratch_);
    }
    of_.records_.answered_now(r_, *local_.stats, code);
  }

  void answer(const json_result& outcome) {
    of_.records_.answered_now(r_, *local_.stats, outcome ? 0 : outcome.error().code);
    if (!outcome) return of_.answers_.error(r_.target, outcome.error());
    of_.answers_.result(r_.target, dump(*outcome));
  }

  call* open() {
    auto* c = of_.calls_.open(r_, *local_.stats);
    if (c != nullptr) of_.records_.take(*c, r_, local_.what->name);
    return c;
  }

  /// A call has room for small ones.
  std::size_t kept_bytes() const noexcept {
    constexpr std::size_t small = 64;
    const auto bytes = r_.target.raw_id.size() + r_.message.traceparent.size() + r_.message.tracestate.size();
    return bytes > small ? bytes : 0;
  }

  void wait(call& c) {
    c.asked.method = local_.what->name;
    c.handling.method = &local_;
    c.asked.text = r_.message.text;
    if (of_.calls_.hold(c, c.asked.text.size())) of_.calls_.wait(c, local_.admission);
  }

  void open_stream(call& c, const stream_handler& handler) {
    of_.streams_.open(c, r_.message, handler.resumable);
  }

  surroundings around(const call& c) const { return of_.surroundings_of(c, r_.message); }

 private:
  handlers& of_;
  const local_method& local_;
  request& r_;
};

/// A call of a coroutine of this process: it is under way already.
class handlers::call_source {
 public:
  call_source(handlers& of, const local_method& local, call& c, const weft::handler_context& ctx) noexcept
      : of_(of), local_(local), c_(c), ctx_(ctx) {}

  template <class Append>
  void answer_raw(Append&& append) {
    std::string out;
    const auto error = append(out);
    of_.calls_.settle(c_, error ? outcome::of(*error) : outcome{.raw_result = out});
  }

  void answer(const json_result& outcome) {
    if (!outcome) return of_.calls_.settle(c_, outcome::of(outcome.error()));
    of_.calls_.settle(c_, {.raw_result = dump(*outcome)});
  }

  call* open() { return &c_; }

  static std::size_t kept_bytes() noexcept { return 0; }

  // A coroutine that waits here may hold the very permit that it waits for.
  void wait(call& c) {
    of_.calls_.refuse(c, fmt::format("'{}' has all the calls under way that it may have", local_.what->name));
  }

  void open_stream(call& c, const stream_handler& handler) {
    if (!c.stream) of_.streams_.open(c, {}, handler.resumable);
  }

  surroundings around(const call& c) const {
    return {ctx_.child(c.asked.deadline), ctx_.caller_key(),
            c.told.trace.recording ? records::handler_trace(c, {}, ctx_.raw_tracestate()) : ctx_.trace()};
  }

 private:
  handlers& of_;
  const local_method& local_;
  call& c_;
  const weft::handler_context& ctx_;
};

handlers::handlers(router_site& site, answers& replies, records& told, permits& limited, calls& book,
                   streams& flows, blocking_handlers& on_threads, coro::scope& tasks)
    : site_(site),
      answers_(replies),
      records_(told),
      permits_(limited),
      calls_(book),
      streams_(flows),
      blocking_(on_threads),
      tasks_(tasks) {
  for (const auto* m : site.environment.services->list()) {
    const auto limit = site.environment.admissions->find(m->name);
    methods_.emplace(m->name,
                     local_method{m, &told.stats().server(m->name),
                                  limit == site.environment.admissions->end() ? nullptr : limit->second});
  }
}

void handlers::invoke(const local_method& local, request& r) {
  request_source source(*this, local, r);
  run(local, r.message.params, source);
}

void handlers::invoke(const local_method& local, call& c, std::string_view raw_params,
                      const weft::handler_context& ctx) {
  c.told.stats = local.stats;
  c.handling.in_process = true;
  call_source source(*this, local, c, ctx);
  run(local, raw_params, source);
}

template <class Source>
void handlers::run(const local_method& local, std::string_view raw_params, Source& source) {
  const method& m = *local.what;
  if (const auto* raw = std::get_if<raw_handler>(&m.handler)) {
    return source.answer_raw([&](std::string& out) -> std::optional<rpc_error> {
      try {
        return (*raw)(raw_params, out);
      } catch (...) {
        return failed(m.name);
      }
    });
  }
  if (const auto* plain = std::get_if<plain_handler>(&m.handler)) {
    const auto params = parse_value(raw_params);
    if (!params) return source.answer(std::unexpected(params.error()));
    json_result outcome;
    try {
      outcome = (*plain)(*params);
    } catch (...) {
      outcome = std::unexpected(failed(m.name));
    }
    return source.answer(outcome);
  }
  auto* c = source.open();
  if (c == nullptr) return;
  // What the handler gets is counted by what it takes, before it takes it; and so is what is kept besides.
  const auto kept = source.kept_bytes() + (raw_params.empty() ? 0 : proto::value_bytes(raw_params));
  if (kept > 0 && !calls_.hold(*c, kept)) return;
  auto params = parse_value(raw_params);
  if (!params) return calls_.settle(*c, outcome::of(params.error()));
  if (const auto* streaming = m.streams()) source.open_stream(*c, *streaming);
  if (local.admission) {
    if (!permits_.has(local.admission)) return source.wait(*c);
    permits::enter(c->attempts[0], local.admission);
  }
  start(*c, m, std::move(*params), source.around(*c));
}

handlers::surroundings handlers::surroundings_of(const call& c, const proto::envelope& message) const {
  return {coro::cancel_scope(site_.home, c.asked.deadline), c.caller.key,
          records::handler_trace(c, message.traceparent, message.tracestate)};
}

void handlers::resume(call& c) {
  const auto limit = c.waits_for;
  permits_.stop_waiting(c);
  calls_.arm_deadline(c);
  permits::enter(c.attempts[0], limit);
  proto::envelope message;
  proto::scan(c.asked.text, {site_.options.limits.depth, 1, false}, message, site_.shared.scan_batch);
  auto params = parse_value(message.params);
  // The params could be parsed when the call came.
  start(c, *c.handling.method->what, std::move(*params), surroundings_of(c, message));
}

void handlers::start(call& c, const method& m, json params, surroundings around) {
  if (std::holds_alternative<blocking_handler>(m.handler)) return blocking_.start(c, m, std::move(params));
  c.handling.running = call::handler::coroutine;
  c.handling.context.emplace(std::move(around.scope));
  weft::handler_context ctx(*c.handling.context, site_.self, around.caller, std::move(around.trace));
  site_.metrics().add(metric::coroutines);
  if (c.stream)
    return tasks_.spawn(
        run_stream(this, c.key, &m, std::move(ctx), {std::move(params), c.stream->elsewhere.cursor}));
  tasks_.spawn(run_coroutine(this, c.key, &m, std::move(ctx), std::move(params)));
}

coro::task<void> handlers::run_coroutine(handlers* self, call_key key, const method* m,
                                         weft::handler_context ctx, json params) {
  json_result outcome;
  try {
    outcome = co_await std::get<coroutine_handler>(m->handler)(std::move(ctx), std::move(params));
  } catch (...) {
    outcome = std::unexpected(self->failed(m->name));
  }
  self->site_.metrics().add(metric::coroutines, -1);
  self->on_done(key, std::move(outcome));
}

coro::task<void> handlers::run_stream(handlers* self, call_key key, const method* m,
                                      weft::handler_context ctx, stream_call what) {
  json_result outcome;
  try {
    const auto& handler = *m->streams();
    outcome = co_await drive_stream(&self->site_, &self->calls_, &self->streams_, key,
                                    handler.run(ctx, std::move(what)), ctx, handler.takes_input);
  } catch (...) {
    outcome = std::unexpected(self->failed(m->name));
  }
  self->site_.metrics().add(metric::coroutines, -1);
  self->on_done(key, std::move(outcome));
}

void handlers::on_blocking_done(blocking_done& done) {
  if (done.exception) done.outcome = std::unexpected(failed(done.method, *done.exception));
  on_done(done.key, std::move(done.outcome));
}

void handlers::on_done(call_key key, json_result outcome) {
  auto* c = calls_.find(key);
  if (c == nullptr) {
    // Answered already (deadline, cancellation) or nobody is there any more.
    site_.metrics().add(metric::late_results);
    return;
  }
  if (c->caller.left_behind) return calls_.close_left_behind(*c, true);
  if (outcome && c->stream && streams::gathered_for(*c)) {
    calls_.settle(*c, {.raw_result = c->stream->rare().gathered});
  } else if (outcome) {
    calls_.settle(*c, {.raw_result = dump(*outcome)});
  } else {
    calls_.settle(*c, outcome::of(outcome.error()));
  }
  site_.flush_outside_turn();
}

rpc_error handlers::failed(std::string_view name) {
  return failed(name, current_exception_text());
}

rpc_error handlers::failed(std::string_view name, std::string_view what) {
  site_.metrics().add(metric::handler_exceptions);
  site_.shared.log->error("handler of {} threw: {}", name, what);
  return make_error(error_code::internal_error, fmt::format("internal error in the handler of '{}'", name));
}

}  // namespace weft
