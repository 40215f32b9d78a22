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
    named_quantile{"p50", "p50_us", 0.5},
    named_quantile{"p90", "p90_us", 0.9},
    named_quantile{"p99", "p99_us", 0.99},
    named_quantile{"p99.9", "p99_9_us", 0.999},
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

void add_latencies(std::string& text, std::string_view name, const histogram& latency) {
  for (const named_quantile& entry : quantiles) {
    add_row(text, fmt::format("{} {}", name, entry.text_name),
            latency_text(static_cast<double>(latency.quantile(entry.fraction))));
  }
  add_row(text, fmt::format("{} max", name), latency_text(static_cast<double>(latency.max())));
  add_row(text, fmt::format("{} mean", name), latency_text(latency.mean()));
}

/// `lost`: what was under way on lost connections.
void add_failures(std::string& text, const load_outcome& result, std::uint64_t lost, std::string_view what) {
  for (const auto& [code, count] : result.errors_by_code) {
    add_row(text, fmt::format("error {} {}", code, code_name(code)), thousands(static_cast<double>(count)));
  }
  for (const auto& [reason, count] : result.transport_errors) {
    text += fmt::format("connections lost: {} ({})\n", count, reason);
  }
  if (lost > 0) text += fmt::format("{} lost with them: {}\n", what, lost);
  if (result.malformed > 0) text += fmt::format("answers that were no answer to us: {}\n", result.malformed);
  if (result.unasked > 0) text += fmt::format("messages of the server's own: {}\n", result.unasked);
}

void add_saturation(std::string& text, const load_outcome& result) {
  if (result.cpu_share() >= saturated_cpu_share) {
    text += "this client used a whole core: the node could probably do more\n";
  }
}

void add_warnings(std::string& text, const bench_options& options, const load_result& result) {
  if (!kept_up(options, result)) {
    text += fmt::format(
        "the rate was not kept up: {} requests were due without a free slot and {} got no answer; more "
        "connections, "
        "a larger --pipeline or a lower --rate may help\n",
        result.unsent, result.unanswered);
  }
  add_saturation(text, result);
}

json settings(const bench_options& options) {
  return {{"address", format_host_port(options.address)}, {"method", options.method}};
}

void add_latencies(json& report, const std::string& name, const histogram& latency) {
  for (const named_quantile& entry : quantiles) {
    report[name + entry.json_name] = microseconds(latency.quantile(entry.fraction));
  }
  report[name + "max_us"] = microseconds(latency.max());
  report[name + "min_us"] = microseconds(latency.min());
  report[name + "mean_us"] = latency.mean() / 1e3;
}

void add_errors(json& report, const load_outcome& result) {
  report["errors_by_code"] = json::object();
  for (const auto& [code, count] : result.errors_by_code)
    report["errors_by_code"][std::to_string(code)] = count;
  report["transport_errors"] = json::object();
  for (const auto& [reason, count] : result.transport_errors) report["transport_errors"][reason] = count;
  report["malformed_answers"] = result.malformed;
  report["unasked_messages"] = result.unasked;
}

void add_client(json& report, const load_outcome& result) {
  report["client_cpu_user_s"] = seconds(result.cpu_user);
  report["client_cpu_system_s"] = seconds(result.cpu_system);
  report["client_cpu_percent"] = result.cpu_share() * 100;
  report["client_saturated"] = result.cpu_share() >= saturated_cpu_share;
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
  add_latencies(text, "latency", result.latency);
  add_row(text, "results", thousands(static_cast<double>(result.succeeded)));
  add_row(text, "failed", thousands(static_cast<double>(result.failed())));
  add_row(text, "client CPU", fmt::format("{:.0f} %", result.cpu_share() * 100));
  add_failures(text, result, result.lost_requests, "requests");
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
  add_latencies(report, "latency_", result.latency);
  report["results"] = result.succeeded;
  report["failed"] = result.failed();
  add_errors(report, result);
  report["lost_requests"] = result.lost_requests;
  report["unsent_requests"] = result.unsent;
  report["unanswered_requests"] = result.unanswered;
  report["kept_up"] = kept_up(options, result);
  add_client(report, result);
  return report.dump();
}

std::string progress_line(const stream_progress& progress) {
  return fmt::format("{:>5.1f} s  {:>11} items/s  {:>8.1f} MB/s  failed {}{}", seconds(progress.at),
                     thousands(progress.items_per_second), progress.bytes_per_second / 1e6,
                     progress.so_far.failed(), progress.at.count() < 0 ? "  (warming up)" : "");
}

std::string text_report(const bench_options& options, const stream_result& result) {
  const std::string streams =
      options.pipeline == 1 ? std::string("a stream") : fmt::format("{} streams", options.pipeline);
  std::string text = fmt::format("{} at {}: {} connections with {} each, credit {}, {:.2f} s\n",
                                 options.method, format_host_port(options.address), options.connections,
                                 streams, options.credit, seconds(result.elapsed));
  add_row(text, "items/s", thousands(result.items_per_second));
  add_row(text, "bytes/s", thousands(result.bytes_per_second));
  add_latencies(text, "first item", result.first_item);
  add_latencies(text, "between", result.between_items);
  add_row(text, "items", thousands(static_cast<double>(result.items)));
  add_row(text, "streams ended", thousands(static_cast<double>(result.ended)));
  add_row(text, "failed", thousands(static_cast<double>(result.failed())));
  add_row(text, "client CPU", fmt::format("{:.0f} %", result.cpu_share() * 100));
  add_failures(text, result, result.lost_streams, "streams");
  if (result.ended_without_item > 0) {
    text += fmt::format("answered without an item: {}; does {} stream?\n", result.ended_without_item,
                        options.method);
  }
  add_saturation(text, result);
  return text;
}

std::string json_report(const bench_options& options, const stream_result& result) {
  json report = settings(options);
  report["connections"] = options.connections;
  report["streams_per_connection"] = options.pipeline;
  report["credit"] = options.credit;
  report["elapsed_s"] = seconds(result.elapsed);
  report["items_per_second"] = result.items_per_second;
  report["bytes_per_second"] = result.bytes_per_second;
  add_latencies(report, "first_item_", result.first_item);
  add_latencies(report, "between_items_", result.between_items);
  report["items"] = result.items;
  report["item_bytes"] = result.bytes;
  report["first_items"] = result.first_item.count();
  report["streams_ended"] = result.ended;
  report["streams_ended_without_item"] = result.ended_without_item;
  report["failed"] = result.failed();
  add_errors(report, result);
  report["lost_streams"] = result.lost_streams;
  add_client(report, result);
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
