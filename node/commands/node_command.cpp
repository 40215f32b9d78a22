#include "node/commands/node_command.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <iostream>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "actors/mesh_node.hpp"
#include "actors/service/demo.hpp"
#include "actors/service/service_host.hpp"
#include "actors/transport/address.hpp"
#include "node/admin/server.hpp"
#include "node/commands/reference.hpp"
#include "node/config/access_files.hpp"
#include "node/config/cpu_quota.hpp"
#include "node/config/flags.hpp"
#include "node/config/loader.hpp"
#include "node/config/tls_files.hpp"
#include "node/config/tokens_file.hpp"
#include "node/logging/call_log.hpp"
#include "node/logging/line_writer.hpp"
#include "node/logging/log.hpp"
#include "node/process/exit_code.hpp"
#include "node/process/exit_limit.hpp"
#include "node/process/memory_return.hpp"
#include "node/process/repeated.hpp"
#include "node/process/signals.hpp"
#include "node/process/standard_streams.hpp"
#include "node/process/version.hpp"
#include "node/telemetry/metrics_exposition.hpp"
#include "node/telemetry/span_exporter.hpp"

namespace weft {

namespace {

/// Enough for the names and addresses of one line.
constexpr std::size_t ready_line_bytes = 4096;

/// What the process may take beyond drain_timeout: to take itself apart, and to write the last lines.
constexpr std::chrono::milliseconds exit_grace{500};

/// How often files that may change are looked at.
constexpr std::chrono::milliseconds look_at_files{1'000};

/// Every connection takes a descriptor; the soft limit is kept low for programs that use select.
void raise_descriptor_limit(spdlog::logger& log) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t before = std::exchange(limit.rlim_cur, limit.rlim_max);
  if (before == limit.rlim_max) return;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
    log.warn("RLIMIT_NOFILE stays at {}, the limit {} was refused: {}", before, limit.rlim_max,
             std::strerror(errno));
}

/// The host name alone would give two nodes on one machine the same name.
std::string generated_id() {
  std::array<char, 40> host{};
  if (gethostname(host.data(), host.size() - 1) != 0 || !check_node_name(host.data()).empty()) return "node";
  return fmt::format("{}-{:04x}", host.data(), std::random_device{}() & 0xffff);
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> list;
  std::istringstream items(text);
  for (std::string item; std::getline(items, item, ',');) {
    if (!item.empty()) list.push_back(item);
  }
  return list;
}

std::string metrics_page(const mesh_node& mesh, const tracing::span_exporter* exporter,
                         const line_writer& log, const access_files& files) {
  auto snapshot = mesh.metrics();
  if (exporter != nullptr) exporter->add_to(snapshot);
  const auto reread = files.counted();
  return expose_metrics(snapshot, {log.dropped_full(), log.dropped_failed()},
                        {reread.taken, reread.refused, files.certificate_expires()});
}

admin_sources sources_of(mesh_node& mesh, const tracing::span_exporter* exporter, const loaded_config& config,
                         const std::shared_ptr<spdlog::logger>& log, const line_writer& log_writer,
                         const access_files& files) {
  return {.metrics = [&mesh, exporter, &log_writer,
                      &files] { return metrics_page(mesh, exporter, log_writer, files); },
          .liveness = [&mesh] { return mesh.stalled(); },
          .readiness = [&mesh] { return mesh.readiness(); },
          .connections = [&mesh] { return mesh.connections(); },
          .peers = [&mesh] { return mesh.peers(); },
          .routes = [&mesh] { return mesh.routes(); },
          .methods = [&mesh] { return mesh.methods(); },
          .config = [&config] { return config_json(config); },
          .log_level = [log] { return std::string{log_level(*log)}; },
          .set_log_level =
              [log](std::string_view level) {
                auto set = set_log_level(*log, level);
                if (set) log->info("log level is now {}", level);
                return set;
              },
          .allowed_hosts = split_list(config.options.node.admin_allowed_hosts)};
}

/// The one line that a supervisor waits for; it comes after both ports accept connections.
void announce(const mesh_node& mesh, const admin_server& admin, line_writer& output) {
  const auto& all = mesh.listen_addresses();
  const std::vector<net_address> further(all.begin() + 1, all.end());
  output.add(fmt::format("ready node={} listen={} admin={}{}{}\n", mesh.id(), format_net_address(all.front()),
                         format_host_port(admin.address()),
                         further.empty() ? "" : " also_listen=", format_net_addresses(further)));
}

int drain(mesh_node& mesh, tracing::span_exporter* exporter, int signal, const program_options& options,
          spdlog::logger& log) {
  const auto deadline = std::chrono::steady_clock::now() + options.node.drain_timeout;
  log.info("{}: draining for at most {}ms; a second signal ends the process at once", strsignal(signal),
           options.node.drain_timeout.count());
  if (mesh.drain())
    log.info("drained");
  else
    log.warn("drain_timeout {}ms is over: calls in flight are cut off", options.node.drain_timeout.count());
  if (exporter != nullptr) exporter->finish(deadline);
  if (const auto running = mesh.blocking_calls(); running > 0)
    log.warn("{} blocking handlers still run; the end does not wait for them beyond drain_timeout", running);
  return exit_ok;
}

/// Tells the program that its node is about to stop, whichever way `serve` ends.
class stop_notice {
 public:
  explicit stop_notice(const node_hooks& hooks) noexcept : hooks_(hooks) {}
  ~stop_notice() { hooks_.stopping(); }
  stop_notice(const stop_notice&) = delete;
  stop_notice& operator=(const stop_notice&) = delete;

 private:
  const node_hooks& hooks_;
};

int serve(loaded_config config, const node_hooks& hooks) {
  shutdown_signals signals;
  program_options& options = config.options;
  if (options.node.id.empty()) options.node.id = generated_id();
  const auto log_writer = std::make_shared<line_writer>(STDERR_FILENO, options.log.queue_bytes);
  const auto log = make_logger(options.log, make_queued_sink(log_writer));
  raise_descriptor_limit(*log);
  if (const auto quota = cpu_quota()) {
    const auto cores = std::max(1U, std::thread::hardware_concurrency());
    for (const auto& change : fit_to_cpu_quota(config, *quota, cores)) log->info("{}", change);
  }

  // Outlives all that may hold up the end.
  std::optional<exit_limit> end_guard;
  const memory_return returning;
  service_host services;
  if (options.node.demo) add_demo_methods(services);
  hooks.add_services(services);
  call_sinks sinks;
  if (options.node.calls_logged.which != "off")
    sinks.log = make_call_log(log, options.log.format, options.node.id);
  std::optional<tracing::span_exporter> exporter;
  if (!options.node.tracing.endpoint.empty()) {
    exporter.emplace(options.node.tracing, options.node.id, log);
    sinks.spans = exporter->queue();
  }
  mesh_node mesh{options.node, std::move(services), log, std::move(sinks)};
  std::atomic<bool> failed{false};
  mesh.on_failure([&failed] {
    failed.store(true);
    ::kill(::getpid(), SIGTERM);
  });
  if (auto started = mesh.start(); !started) {
    log->critical("cannot start: {}", started.error());
    return exit_failed;
  }
  hooks.started(mesh);
  const stop_notice notice(hooks);
  access_files files(options,
                     {.policy = [&mesh](const auto& policy) { mesh.change_access(policy); },
                      .peer_token = [&mesh](const auto& token) { mesh.change_peer_token(token); }},
                     log);
  std::optional<repeated> looking;
  if (files.any()) looking.emplace(look_at_files, [&files] { files.look(); });
  auto* const tracer = exporter ? &*exporter : nullptr;
  const auto admin =
      admin_server::start(options.node.admin, sources_of(mesh, tracer, config, log, *log_writer, files));
  if (!admin) {
    log->critical("cannot start: {}", admin.error());
    return exit_failed;
  }
  log->info("weft {} node {} serves on {}, admin on {}", version(), mesh.id(),
            format_net_addresses(mesh.listen_addresses()), format_host_port((*admin)->address()));
  line_writer output{STDOUT_FILENO, ready_line_bytes, [log](int error) {
                       log->warn("standard output takes no ready line: {}", std::strerror(error));
                     }};
  announce(mesh, **admin, output);
  const int signal = signals.wait([&] {
    log->info("SIGHUP: {}; change options by a restart, the log's level by POST /log-level",
              files.any() ? "files of tokens and certificates are read again"
                          : "there are no files to be read again");
    files.reread();
  });
  const auto limit = std::chrono::steady_clock::now() + options.node.drain_timeout + exit_grace;
  end_guard.emplace(limit, [log, log_writer] {
    log->warn("what does not end is left behind, a blocking handler for example: the process exits now");
    log_writer->flush(exit_grace);
    _exit(exit_ok);
  });
  const int code = drain(mesh, tracer, signal, options, *log);
  return failed.load() ? exit_failed : code;
}

std::expected<loaded_config, std::vector<std::string>> load_from(const CLI::App& command) {
  config_sources sources{.file = {}, .environment = weft_environment(), .flags = flags_given(command)};
  std::vector<std::string> errors;
  for (const std::string& argument : stray_arguments(command))
    errors.push_back(
        fmt::format("argument \"{}\": not expected; options begin with --, see weft node --help", argument));
  if (const std::string path = config_file_given(command, sources.environment); !path.empty()) {
    auto file = read_config_file(path);
    if (file)
      sources.file = *std::move(file);
    else
      errors.push_back(std::move(file.error()));
  }
  auto config = load_config(sources);
  if (!config) errors.insert(errors.end(), config.error().begin(), config.error().end());
  if (!errors.empty()) return std::unexpected(std::move(errors));
  return config;
}

int report(const std::vector<std::string>& errors) {
  for (const std::string& error : errors) print_error("weft node", error);
  return exit_usage;
}

int run(const CLI::App& command, const node_hooks& hooks) {
  if (command.count("--print-reference") > 0) {
    std::cout << reference_page();
    return exit_ok;
  }
  auto config = load_from(command);
  if (!config) return report(config.error());
  if (command.count("--print-config") > 0) {
    std::cout << print_config(*config);
    return exit_ok;
  }
  auto errors = load_auth_files(config->options);
  if (auto wrong = load_tls_files(config->options); !wrong.empty()) errors.push_back(std::move(wrong));
  if (!errors.empty()) return report(errors);
  if (command.count("--check-config") > 0) {
    std::cout << "the configuration is valid\n";
    return exit_ok;
  }
  return serve(*std::move(config), hooks);
}

/// A flag that makes the command print something instead of serving.
void add_mode(CLI::App& command, const std::string& name, const std::string& help) {
  command.add_flag(name, help);
}

}  // namespace

void add_node_command(CLI::App& app, int& exit_code, node_hooks hooks) {
  CLI::App* node = app.add_subcommand("node", "Run a node until SIGTERM or SIGINT");
  add_mode(*node, "--print-config", "Print every effective value with its origin, and exit");
  add_mode(*node, "--check-config", "Only validate the configuration: exit 0 or 64");
  add_mode(*node, "--print-reference",
           "Print the reference page of options, metrics and admin pages, and exit");
  add_config_flags(*node);
  node->callback([node, &exit_code, hooks = std::move(hooks)] { exit_code = run(*node, hooks); });
}

}  // namespace weft
