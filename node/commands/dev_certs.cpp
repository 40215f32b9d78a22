#include "node/commands/dev_certs.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <expected>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "actors/tls/authority.hpp"
#include "actors/transport/address.hpp"
#include "node/client/socket.hpp"
#include "node/logging/printable.hpp"
#include "node/process/exit_code.hpp"
#include "node/process/file_text.hpp"

namespace weft::tools {
namespace {

namespace fs = std::filesystem;

/// Certificates of a CA that ends before them are of no use, so it lasts.
constexpr std::chrono::days authority_days(3650);
/// Clocks of other machines may be behind.
constexpr std::chrono::hours backdated(1);
constexpr int most_days = 36'500;
constexpr mode_t secret = 0600;
constexpr mode_t open_to_all = 0644;

/// With each of them a node can be dialled on this machine, whatever its name.
constexpr std::string_view this_machine[] = {"localhost", "127.0.0.1", "::1"};

template <class T = void>
using result = std::expected<T, std::string>;

/// Replaces the file as a whole: nobody reads half of it, and a key is never readable for others.
result<> write_file(const fs::path& path, std::string_view text, mode_t mode) {
  const auto refuse = [&path] {
    return std::unexpected(fmt::format("cannot write '{}': {}", path.string(), error_text(errno)));
  };
  const std::string next = path.string() + ".new";
  ::unlink(next.c_str());
  const unique_fd file(::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file) return refuse();
  while (!text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0) return refuse();
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::rename(next.c_str(), path.c_str()) != 0) return refuse();
  return {};
}

class maker {
 public:
  explicit maker(const dev_certs_options& options)
      : options_(options), directory_(options.directory), now_(std::chrono::system_clock::now()) {}

  result<> run() {
    if (auto free = check_free(); !free) return free;
    std::error_code failure;
    fs::create_directories(directory_, failure);
    if (failure)
      return std::unexpected(fmt::format("cannot make '{}': {}", directory_.string(), failure.message()));
    auto authority = take_authority();
    if (!authority) return std::unexpected(std::move(authority.error()));
    for (const auto& name : options_.names) {
      if (auto made = make(*authority, name); !made) return made;
    }
    return {};
  }

  const std::vector<std::string>& made() const noexcept { return made_; }
  bool had_authority() const noexcept { return had_authority_; }

 private:
  fs::path file(std::string_view name, std::string_view ending) const {
    return directory_ / fmt::format("{}.{}", name, ending);
  }

  /// Before anything is written: half of a set is of no use.
  result<> check_free() const {
    if (options_.force) return {};
    std::vector<std::string> taken;
    for (const auto& name : options_.names) {
      for (const auto& path : {file(name, "pem"), file(name, "key")}) {
        if (fs::exists(fs::symlink_status(path))) taken.push_back(path.string());
      }
    }
    if (taken.empty()) return {};
    return std::unexpected(
        fmt::format("{} {} there already; --force makes them anew, another --name adds one",
                    fmt::join(taken, ", "), taken.size() == 1 ? "is" : "are"));
  }

  result<tls::dev_authority> take_authority() {
    const auto certificate = file("ca", "pem");
    const auto key = file("ca", "key");
    had_authority_ = fs::exists(certificate);
    if (had_authority_ != fs::exists(key)) {
      return std::unexpected(fmt::format(
          "'{}' is there, and '{}' is not: remove it, or name another directory",
          (had_authority_ ? certificate : key).string(), (had_authority_ ? key : certificate).string()));
    }
    return had_authority_ ? read_authority(certificate, key) : make_authority(certificate, key);
  }

  result<tls::dev_authority> read_authority(const fs::path& certificate, const fs::path& key) const {
    const auto refuse = [&](std::string_view why) {
      return std::unexpected(
          fmt::format("the CA in '{}' cannot be used: {}; remove both its files and the "
                      "certificates, or name another directory",
                      certificate.string(), why));
    };
    auto text = read_file(certificate);
    auto secret_text = read_secret_file(key);
    if (!text) return refuse(text.error());
    if (!secret_text) return refuse(secret_text.error());
    auto found =
        tls::dev_authority::from_pem({.certificate = *std::move(text), .key = *std::move(secret_text)});
    if (!found) return refuse(found.error());
    if (!found->is_dev()) return refuse("weft dev-certs did not make it, and leaves real ones alone");
    return found;
  }

  result<tls::dev_authority> make_authority(const fs::path& certificate, const fs::path& key) {
    const auto lasts = std::max(authority_days, std::chrono::days(options_.days));
    auto made = tls::dev_authority::make(now_ - backdated, now_ + lasts);
    if (!made) return made;
    auto pem = made->own_pem();
    if (!pem) return std::unexpected(std::move(pem.error()));
    if (auto written = write_pair(certificate, key, *pem); !written) return std::unexpected(written.error());
    return made;
  }

  result<> make(const tls::dev_authority& authority, const std::string& name) {
    std::vector<std::string> names{name};
    for (const auto also : this_machine) {
      if (also != name) names.emplace_back(also);
    }
    auto pem =
        authority.issue({.name = name,
                         .names = std::move(names),
                         .from = now_ - backdated,
                         .until = std::min(now_ + std::chrono::days(options_.days), authority.expires())});
    if (!pem) return std::unexpected(std::move(pem.error()));
    return write_pair(file(name, "pem"), file(name, "key"), *pem);
  }

  result<> write_pair(const fs::path& certificate, const fs::path& key, const tls::pem_pair& pem) {
    if (auto written = write_file(key, pem.key, secret); !written) return written;
    if (auto written = write_file(certificate, pem.certificate, open_to_all); !written) return written;
    made_.push_back(certificate.filename().string());
    made_.push_back(key.filename().string());
    return {};
  }

  const dev_certs_options& options_;
  fs::path directory_;
  tls::time_point now_;
  std::vector<std::string> made_;
  bool had_authority_ = false;
};

/// The complaint about a name, which is a file's, too; empty when it is one.
std::string check_name(const std::string& name) {
  const bool address = tls::name_from(name).kind == tls::name_kind::ip;
  if (!address) {
    if (auto wrong = check_node_name(name); !wrong.empty()) return wrong;
  }
  if (name.starts_with('.') || name.starts_with('-'))
    return fmt::format("\"{}\" is not a name; it begins with a letter or a digit", name);
  if (name == "ca") return "\"ca\" is what the CA's own files are called; use another name";
  return {};
}

void tell(const dev_certs_options& options, const maker& done, std::ostream& output) {
  const auto& in = options.directory;
  output << printable(fmt::format("in {}: {}{}", in, fmt::join(done.made(), ", "),
                                  done.had_authority() ? " (signed by the CA that was there)" : ""))
         << "\n\nThis is a CA for trying things out, NOT FOR PRODUCTION: its key lies beside the "
            "certificates, and\n"
            "every certificate is also good for localhost, 127.0.0.1 and ::1.\n\n";
  const auto& name = options.names.front();
  output << printable(fmt::format("  who listens has   {0}/{1}.pem and {0}/{1}.key", in, name)) << '\n'
         << printable(fmt::format(
                "  who dials trusts  {0}/ca.pem, as in: weft call tls://localhost:7443 mesh.health "
                "--ca {0}/ca.pem",
                in))
         << '\n'
         << printable(fmt::format("  and presents one  --cert {0}/{1}.pem --key {0}/{1}.key", in, name))
         << ", where it is asked to\n"
         << std::flush;
}

}  // namespace

int run_dev_certs(const dev_certs_options& options, std::ostream& output, std::ostream& errors) {
  for (const auto& name : options.names) {
    if (const auto wrong = check_name(name); !wrong.empty()) {
      errors << printable("--name: " + wrong) << '\n';
      return exit_usage;
    }
  }
  maker work(options);
  if (const auto done = work.run(); !done) {
    errors << printable(done.error()) << '\n';
    return exit_failed;
  }
  tell(options, work, output);
  return exit_ok;
}

}  // namespace weft::tools

namespace weft {

void add_dev_certs_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<tools::dev_certs_options>();
  CLI::App* command =
      app.add_subcommand("dev-certs", "Make a CA and certificates for trying TLS out, not for production");
  command->add_option("DIR", options->directory, "Where: made if it is not there; a CA in it is used again")
      ->required();
  command
      ->add_option(
          "--name", options->names,
          "A host name or an address: NAME.pem and NAME.key, good for this machine as well. Can be repeated")
      ->type_name("NAME")
      ->take_all()
      ->allow_extra_args(false)
      ->capture_default_str();
  command->add_option("--days", options->days, "How long the certificates are valid")
      ->check(CLI::Range(1, tools::most_days))
      ->capture_default_str();
  command->add_flag("--force", options->force, "Make certificates anew that are there; the CA stays");
  command->footer("Exit: 0 made, 1 something is in the way or cannot be written, 64 wrong usage.");
  command->callback(
      [options, &exit_code] { exit_code = tools::run_dev_certs(*options, std::cout, std::cerr); });
}

}  // namespace weft
