// Exit codes of the program, the same for every subcommand.
#pragma once

#include <string_view>

namespace weft {

enum exit_code : int {
  exit_ok = 0,
  exit_failed = 1,
  exit_unreachable = 2,
  exit_usage = 64,
  /// A second signal N ends `weft node` at once with 128 + N, as a shell reports a process that the signal
  /// killed.
  exit_signal_base = 128,
};

struct exit_code_info {
  std::string_view code;
  std::string_view meaning;
};

inline constexpr exit_code_info exit_code_table[] = {
    {"0", "success; `weft node`: drained after SIGTERM or SIGINT"},
    {"1",
     "`weft node`: could not start, an address is in use for example; `weft call`: the answer is an error; "
     "`weft bench`: some requests or streams failed, or no item came; `weft health`: not ready; `weft "
     "routes`: the admin port has no routes to show; `weft gen`: no OpenRPC document, or no such method; "
     "`weft "
     "dev-certs`: files are in the way; any: standard output did not take the whole result"},
    {"2",
     "`weft call`, `weft gen`, `weft bench`, `weft health`, `weft routes`: no connection, or no answer in "
     "time; also when a certificate was refused, of either side"},
    {"64",
     "wrong usage: an unknown flag, key or variable, or a value that is not allowed, or a file of tokens, "
     "certificates or keys that cannot be used"},
    {"127", "`libexec/weft/weft-node`, which `bin/weft` runs, is missing or cannot be run"},
    {"130, 143",
     "`weft node`: ended at once by a second SIGINT or SIGTERM; `weft call --stream`: cancelled by SIGINT or "
     "SIGTERM"},
    {"141", "`weft call --stream`: cancelled because nobody reads standard output any more"},
};

}  // namespace weft
