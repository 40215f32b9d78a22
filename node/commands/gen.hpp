// `weft gen LANGUAGE`: a typed client of the methods that a node reaches.
#pragma once

#include <chrono>
#include <iosfwd>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "actors/config/options.hpp"
#include "node/client/tls_link.hpp"
#include "node/gen/language.hpp"

namespace weft {

/// Registers the subcommand; running it leaves the exit code in `exit_code`, which must outlive the parsing.
void add_gen_command(CLI::App& app, int& exit_code);

namespace tools {

struct gen_options {
  const gen::language* language = nullptr;
  /// Address of the node that is asked, where `from` is empty.
  host_port address;
  /// A file that holds its answer; `-` for standard input.
  std::string from;
  /// Which methods; empty for all but the node's own.
  std::string pattern;
  std::string name = "mesh";
  /// Empty for standard output.
  std::string output;
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);
  /// Holds the token to present; empty for none.
  std::string token_file;
  tls_options tls{};
};

/// Writes the client to the file or to `output`. A file that holds it already is left alone.
/// 0: written; 1: error answer, no OpenRPC document, no such method, or it cannot be written; 2: no
/// connection or no answer in time; 64: an unreadable file, token or certificate.
int run_gen(const gen_options& options, std::istream& input, std::ostream& output, std::ostream& errors);

}  // namespace tools
}  // namespace weft
