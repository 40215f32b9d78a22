#include "node/commands/bench/report.hpp"

#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "actors/transport/network.hpp"
#include "proto/error.hpp"

namespace weft::tools {

namespace {

using json = nlohmann::ordered_json;

/// From here on the figures say more about this client than about the node.
constexpr double saturated_cpu_share = 0.95;

struct named_quantile {
  const char* text_name;
  const char* json_name;
  double fraction;
};

constexpr std::array quantiles{
    named_quantile{"p50", "latency_p50_us", 0.5},
    named_quantile{"p90", "latency_p90_us", 0.9},
    named_quantile{"p99", "latency_p99_us", 0.99},
    named_quantile{"p99.9", "latency_p99_9_us", 0.999},
};

double seconds(std::chrono::nanoseconds duration) {
  return static_cast<double>(duration.count()) / 1e9;
}
double microseconds(std::uint64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / 1e3;
}

std::string latency_text(double nanoseconds) {
  if (nanoseconds < 1e6) return fmt::format("{:.1f} us", nanoseconds / 1e3);
  if (nanoseconds < 1e9) return fmt::format("{:.2f} ms", nanoseconds / 1e6);
  return fmt::format("{:.3f} s", nanoseconds / 1e9);
}

std::string thousands(double value) {
  std::string digits = fmt::format("{:.0f}", value);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

void add_row(std::string& text, std::string_view name, std::string_view value) {
  text += fmt::format("{:<18}{:>14}\n", name, value);
}

void add_failures(std::string& text, const load_result& result) {
  for (const auto& [code, count] : result.errors_by_code) {
    add_row(text, fmt::format("error {} {}", code, code_name(code)), thousands(static_cast<double>(count)));
  }
  for (const auto& [reason, count] : result.transport_errors) {
    text += fmt::format("connections lost: {} ({})\n", count, reason);
  }
  if (result.lost_requests > 0) text += fmt::format("requests lost with them: {}\n", result.lost_requests);
  if (result.malformed > 0) text += fmt::format("answers that were no answer to us: {}\n", result.malformed);
  if (result.unasked > 0) text += fmt::format("messages of the server's own: {}\n", result.unasked);
}

void add_warnings(std::string& text, const bench_options& options, const load_result& result) {
  if (!kept_up(options, result)) {
    text += fmt::format(
        "the rate was not kept up: {} requests were due without a free slot and {} got no answer; more "
        "connections, "
        "a larger --pipeline or a lower --rate may help\n",
        result.unsent, result.unanswered);
  }
  if (result.cpu_share() >= saturated_cpu_share) {
    text += "this client used a whole core: the node could probably do more\n";
  }
}

json settings(const bench_options& options) {
  return {{"address", format_host_port(options.address)}, {"method", options.method}};
}

}  // namespace

bool kept_up(const bench_options& options, const load_result& result) {
  if (options.rate <= 0) return true;
  double due = options.rate * seconds(result.elapsed);
  return static_cast<double>(result.unsent + result.unanswered) <= 0.01 * due;
}

std::string progress_line(const load_progress& progress) {
  const load_result& result = progress.so_far;
  return fmt::format("{:>5.1f} s  {:>11} requests/s  p50 {}  p99 {}  failed {}{}", seconds(progress.at),
                     thousands(progress.requests_per_second),
                     latency_text(static_cast<double>(result.latency.quantile(0.5))),
                     latency_text(static_cast<double>(result.latency.quantile(0.99))), result.failed(),
                     progress.at.count() < 0 ? "  (warming up)" : "");
}

std::string text_report(const bench_options& options, const load_result& result) {
  std::string batches = options.batch > 1 ? fmt::format("batches of {} ", options.batch) : std::string();
  std::string text = fmt::format("{} at {}: {} connections, {} {}in flight each, {:.2f} s", options.method,
                                 format_host_port(options.address), options.connections, options.pipeline,
                                 batches, seconds(result.elapsed));
  text += options.rate > 0 ? fmt::format(", {:g} requests/s wanted\n", options.rate) : std::string("\n");
  add_row(text, "requests/s", thousands(result.requests_per_second));
  for (const named_quantile& entry : quantiles) {
    add_row(text, fmt::format("latency {}", entry.text_name),
            latency_text(static_cast<double>(result.latency.quantile(entry.fraction))));
  }
  add_row(text, "latency max", latency_text(static_cast<double>(result.latency.max())));
  add_row(text, "latency mean", latency_text(result.latency.mean()));
  add_row(text, "results", thousands(static_cast<double>(result.succeeded)));
  add_row(text, "failed", thousands(static_cast<double>(result.failed())));
  add_row(text, "client CPU", fmt::format("{:.0f} %", result.cpu_share() * 100));
  add_failures(text, result);
  add_warnings(text, options, result);
  return text;
}

std::string json_report(const bench_options& options, const load_result& result) {
  json report = settings(options);
  report["connections"] = options.connections;
  report["pipeline"] = options.pipeline;
  report["batch"] = options.batch;
  report["loop"] = options.rate > 0 ? "open" : "closed";
  if (options.rate > 0) report["wanted_requests_per_second"] = options.rate;
  report["elapsed_s"] = seconds(result.elapsed);
  report["requests_per_second"] = result.requests_per_second;
  for (const named_quantile& entry : quantiles) {
    report[entry.json_name] = microseconds(result.latency.quantile(entry.fraction));
  }
  report["latency_max_us"] = microseconds(result.latency.max());
  report["latency_min_us"] = microseconds(result.latency.min());
  report["latency_mean_us"] = result.latency.mean() / 1e3;
  report["results"] = result.succeeded;
  report["failed"] = result.failed();
  report["errors_by_code"] = json::object();
  for (const auto& [code, count] : result.errors_by_code)
    report["errors_by_code"][std::to_string(code)] = count;
  report["transport_errors"] = json::object();
  for (const auto& [reason, count] : result.transport_errors) report["transport_errors"][reason] = count;
  report["lost_requests"] = result.lost_requests;
  report["malformed_answers"] = result.malformed;
  report["unasked_messages"] = result.unasked;
  report["unsent_requests"] = result.unsent;
  report["unanswered_requests"] = result.unanswered;
  report["kept_up"] = kept_up(options, result);
  report["client_cpu_user_s"] = seconds(result.cpu_user);
  report["client_cpu_system_s"] = seconds(result.cpu_system);
  report["client_cpu_percent"] = result.cpu_share() * 100;
  report["client_saturated"] = result.cpu_share() >= saturated_cpu_share;
  return report.dump();
}

std::string text_report(const bench_options& options, const idle_result& result) {
  std::string text = fmt::format("{} idle connections to {}, held for {:.2f} s\n", result.opened,
                                 format_host_port(options.address), seconds(result.held));
  if (options.introduce) add_row(text, "introduced", std::to_string(result.introduced));
  add_row(text, "still open", std::to_string(result.still_open));
  add_row(text, "closed by node", std::to_string(result.opened - result.still_open));
  add_row(text, "time to connect", fmt::format("{:.3f} s", seconds(result.connect_time)));
  add_row(text, "bytes received", std::to_string(result.received_bytes));
  return text;
}

std::string json_report(const bench_options& options, const idle_result& result) {
  json report;
  report["address"] = format_host_port(options.address);
  report["idle_connections_opened"] = result.opened;
  report["idle_connections_introduced"] = result.introduced;
  report["idle_connections_still_open"] = result.still_open;
  report["connect_time_s"] = seconds(result.connect_time);
  report["held_s"] = seconds(result.held);
  report["received_bytes"] = result.received_bytes;
  return report.dump();
}

}  // namespace weft::tools
