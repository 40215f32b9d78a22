#include "node/commands/gen.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <expected>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "node/commands/arguments.hpp"
#include "node/commands/call.hpp"
#include "node/gen/document.hpp"
#include "node/gen/names.hpp"
#include "node/logging/printable.hpp"
#include "node/process/exit_code.hpp"
#include "node/process/file_text.hpp"

namespace weft::tools {
namespace {

/// The document's text. The error is the exit code of what has been told already.
std::expected<std::string, int> read_source(const gen_options& options, std::istream& input,
                                            std::ostream& errors) {
  if (options.from.empty()) {
    const call_options ask{.address = options.address,
                           .method = "rpc.discover",
                           .params = std::nullopt,
                           .timeout = options.timeout,
                           .after = std::nullopt,
                           .token_file = options.token_file,
                           .tls = options.tls};
    std::ostringstream answer;
    if (const int code = run_call(ask, input, answer, errors); code != exit_ok) return std::unexpected(code);
    return std::move(answer).str();
  }
  if (options.from == "-") return std::string(std::istreambuf_iterator<char>(input), {});
  auto text = read_file(options.from);
  if (text) return std::move(*text);
  errors << printable(fmt::format("cannot read '{}': {}", options.from, text.error())) << '\n';
  return std::unexpected(exit_usage);
}

int refuse(const std::string& what, std::ostream& errors) {
  errors << printable(what) << '\n';
  return exit_failed;
}

int write_file(const std::string& path, const std::string& text, std::ostream& errors) {
  // A file that does not change is not built anew.
  if (read_file(path) == text) return exit_ok;
  errno = 0;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (file) return exit_ok;
  return refuse(fmt::format("cannot write '{}': {}", path, error_text(errno)), errors);
}

/// As a shell reads it back.
std::string shell_word(std::string_view text) {
  std::string made = "'";
  for (const char c : text) made += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return made + "'";
}

std::string command_of(const gen_options& options) {
  auto made = fmt::format("weft gen {}", options.language->name);
  // Not where this document came from: the text would differ from machine to machine.
  made += " HOST:PORT";
  if (!options.pattern.empty()) made += " " + shell_word(options.pattern);
  if (options.name != gen_options().name) made += " --name " + options.name;
  return made;
}

}  // namespace

int run_gen(const gen_options& options, std::istream& input, std::ostream& output, std::ostream& errors) {
  const auto text = read_source(options, input, errors);
  if (!text) return text.error();
  const auto source = options.from.empty()  ? format_node_address(options.address, options.tls.on)
                      : options.from == "-" ? "standard input"
                                            : options.from;
  auto model = gen::read_document(*text, options.pattern);
  if (!model) return refuse(fmt::format("{}: {}", source, model.error()), errors);
  const auto made = options.language->write(
      {.model = std::move(*model), .name = options.name, .command = command_of(options)});
  if (!options.output.empty()) return write_file(options.output, made, errors);
  output << made << std::flush;
  if (output) return exit_ok;
  return refuse("the client could not be written to standard output", errors);
}

}  // namespace weft::tools

namespace weft {
namespace {

const gen::language* find_language(const std::string& name) {
  const auto* const found = std::ranges::find(gen::languages, name, &gen::language::name);
  return found == gen::languages.end() ? nullptr : found;
}

std::string check_language(const std::string& name) {
  if (find_language(name) != nullptr) return {};
  std::array<std::string_view, gen::languages.size()> known;
  std::ranges::transform(gen::languages, known.begin(), &gen::language::name);
  return fmt::format("there is no '{}'; use one of {}", name, fmt::join(known, ", "));
}

std::string check_name(const std::string& name) {
  if (gen::identifier(name) == name) return {};
  return fmt::format(
      "'{}' is no name of a class or namespace; it is a letter, then letters, digits and underscores", name);
}

/// What stands behind the language: where the document is, unless --from says it, and the pattern.
struct positionals {
  std::optional<std::string> address;
  std::optional<std::string> pattern;
};

void read_positionals(const positionals& given, tools::gen_options& into) {
  if (!into.from.empty()) {
    // The file stands for the node, so the first one is the pattern.
    if (given.pattern) {
      throw CLI::ValidationError(
          "PATTERN", fmt::format("\"{}\" is one argument too many; --from FILE takes one PATTERN beside it",
                                 *given.pattern));
    }
    into.pattern = given.address.value_or("");
    return;
  }
  if (!given.address)
    throw CLI::ValidationError("ADDRESS", "is missing; name a node, or a file with --from FILE");
  const auto node = tools::parse_node_address(*given.address);
  if (!node) throw CLI::ValidationError("ADDRESS", node.error());
  into.address = node->address;
  into.tls.on = node->tls;
  into.pattern = given.pattern.value_or("");
}

std::string language_help() {
  std::string text;
  for (const auto& each : gen::languages)
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", each.name, each.help);
  return text;
}

}  // namespace

void add_gen_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<tools::gen_options>();
  auto given = std::make_shared<positionals>();
  CLI::App* command = app.add_subcommand("gen", "Write a typed client of the methods that a node reaches");
  const auto set_language = [into = options.get()](const std::string& name) {
    into->language = find_language(name);
  };
  command->add_option_function<std::string>("LANGUAGE", set_language, language_help())
      ->required()
      ->check(check_language, "");
  command
      ->add_option("ADDRESS", given->address,
                   "The node's data port, or tls:// before it, unless --from names a file")
      ->type_name("HOST:PORT");
  command->add_option("PATTERN", given->pattern,
                      "The methods, a name or users.*; without it all but the node's own");
  command
      ->add_option("--from", options->from,
                   "Read the answer of rpc.discover from this file, or - for standard input")
      ->type_name("FILE");
  command
      ->add_option("--output", options->output,
                   "Write to this file; one that holds the same already is left alone")
      ->type_name("FILE");
  command->add_option("--name", options->name, "What the client is called: a class, in C++ a namespace")
      ->check(check_name, "")
      ->type_name("NAME")
      ->capture_default_str();
  tools::add_duration(*command, "--timeout", options->timeout, std::chrono::milliseconds(1),
                      "Give up after this time");
  command->add_option("--token-file", options->token_file,
                      "Present the token that this file holds, before the call");
  tools::add_tls_options(*command, options->tls);
  command->footer(
      "Exit: 0 written, 1 error answer, no OpenRPC document, no such method or no room for the output, 2 no "
      "connection or no answer in time, 64 wrong usage.");
  command->callback([options, given, &exit_code] {
    read_positionals(*given, *options);
    tools::check_tls_options(options->tls);
    exit_code = tools::run_gen(*options, std::cin, std::cout, std::cerr);
  });
}

}  // namespace weft
