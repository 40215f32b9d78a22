// `weft dev-certs DIR`: a CA and certificates for a mesh to try things out with.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace weft {

/// Registers the subcommand; running it leaves the exit code in `exit_code`, which must outlive the parsing.
void add_dev_certs_command(CLI::App& app, int& exit_code);

namespace tools {

struct dev_certs_options {
  std::string directory;
  std::vector<std::string> names{"a", "b", "c", "localhost"};
  int days = 365;
  /// Makes certificates anew that are there. The CA stays.
  bool force = false;
};

/// Makes the directory, `ca.pem` and `ca.key` unless they are there, and NAME.pem and NAME.key for each name.
/// 0: made; 1: something is in the way, and nothing was changed, or a file cannot be written; 64: a wrong
/// name.
int run_dev_certs(const dev_certs_options& options, std::ostream& output, std::ostream& errors);

}  // namespace tools
}  // namespace weft
