// A node of the shop: everything that `weft node` is, with the orders service inside.   weft_shop_node
// [OPTION…]
//
// It takes the options of `weft node`, and prints the same line when it is ready. A service in the node's own
// process saves a hop; users and billing show the other way, a connection from any language.
#include <cstdio>
#include <cstring>
#include <exception>
#include <expected>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "actors/address.hpp"
#include "actors/demo.hpp"
#include "actors/mesh_node.hpp"
#include "actors/service_host.hpp"
#include "examples/shop/orders.hpp"
#include "node/admin/server.hpp"
#include "node/config/flags.hpp"
#include "node/config/loader.hpp"
#include "node/exit_code.hpp"
#include "node/log.hpp"
#include "node/metrics_exposition.hpp"
#include "node/signals.hpp"

namespace {

using logger = std::shared_ptr<spdlog::logger>;

weft::admin_sources sources_of(weft::mesh_node& mesh, const weft::loaded_config& config, const logger& log) {
  weft::admin_sources sources;
  sources.metrics = [&mesh] { return weft::expose_metrics(mesh.metrics()); };
  sources.readiness = [&mesh] { return mesh.readiness(); };
  sources.connections = [&mesh] { return mesh.connections(); };
  sources.peers = [&mesh] { return mesh.peers(); };
  sources.routes = [&mesh] { return mesh.routes(); };
  sources.methods = [&mesh] { return mesh.methods(); };
  sources.config = [&config] { return weft::config_json(config); };
  sources.log_level = [log] { return std::string{weft::log_level(*log)}; };
  sources.set_log_level = [log](std::string_view level) { return weft::set_log_level(*log, level); };
  return sources;
}

int refuse(const std::vector<std::string>& complaints, int exit_code) {
  for (const auto& each : complaints) fmt::print(stderr, "weft_shop_node: {}\n", each);
  return exit_code;
}

int serve(weft::loaded_config config) {
  // Before any thread starts, so that only this one sees the signals.
  weft::shutdown_signals signals;
  auto& options = config.options.node;
  if (options.id.empty()) options.id = "shop";
  const auto log = weft::make_logger(config.options.log);
  weft::service_host services;
  if (options.demo) weft::add_demo_methods(services);
  shop::add_orders(services);
  weft::mesh_node mesh{options, std::move(services), log};
  if (const auto started = mesh.start(); !started) return refuse({started.error()}, weft::exit_failed);
  const auto admin = weft::admin_server::start(options.admin, sources_of(mesh, config, log));
  if (!admin) return refuse({admin.error()}, weft::exit_failed);
  fmt::print("ready node={} listen={} admin={}\n", mesh.id(), weft::format_host_port(mesh.listen_address()),
             weft::format_host_port((*admin)->address()));
  std::fflush(stdout);
  log->info("{}: draining", strsignal(signals.wait()));
  if (!mesh.drain()) log->warn("calls in flight are cut off: drain_timeout is over");
  return weft::exit_ok;
}

std::expected<weft::loaded_config, std::vector<std::string>> load(const CLI::App& command) {
  weft::config_sources sources;
  sources.environment = weft::weft_environment();
  sources.flags = weft::flags_given(command);
  if (const auto path = weft::config_file_given(command, sources.environment); !path.empty()) {
    auto file = weft::read_config_file(path);
    if (!file) return std::unexpected(std::vector{file.error()});
    sources.file = *std::move(file);
  }
  if (const auto stray = weft::stray_arguments(command); !stray.empty()) {
    return std::unexpected(
        std::vector{fmt::format("argument \"{}\": not expected; options begin with --", stray.front())});
  }
  return weft::load_config(sources);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"weft_shop_node: a weft node that serves orders.create", "weft_shop_node"};
  CLI::App* command = app.add_subcommand("node", "Run the node until SIGTERM or SIGINT");
  app.require_subcommand(1);
  weft::add_config_flags(*command);
  try {
    app.parse(argc, argv);
    auto config = load(*command);
    return config ? serve(*std::move(config)) : refuse(config.error(), weft::exit_usage);
  } catch (const CLI::ParseError& e) {
    return e.get_exit_code() == 0 ? app.exit(e) : refuse({e.what()}, weft::exit_usage);
  } catch (const std::exception& e) {
    return refuse({e.what()}, weft::exit_failed);
  }
}
