#include "node/config/table.hpp"

#include <array>

#include "node/config/checks.hpp"
#include "node/logging/call_log.hpp"
#include "node/telemetry/http_client.hpp"

namespace weft {
namespace {

// The member as a function: a pointer to a member cannot reach through nested structures.
#define WEFT_MEMBER(path) (+[](program_options& options) -> auto& { return options.path; })

constexpr std::uint64_t kib = 1 << 10;
constexpr std::uint64_t gib = 1 << 30;
constexpr std::uint64_t second = 1'000;
constexpr std::uint64_t hour = 3'600 * second;

constexpr std::array<std::string_view, 3> client_auth_names = {"off", "optional", "required"};
constexpr std::array<std::string_view, 2> tls_version_names = {"1.3", "1.2"};
constexpr std::array<std::string_view, 2> yes_no_names = {"yes", "no"};

using enum option_type;

const option rows[] = {
// clang-format off: in the order of the reference page
#include "node/config/sections/node.inc"
#include "node/config/sections/log.inc"
#include "node/config/sections/protocol.inc"
#include "node/config/sections/tcp.inc"
#include "node/config/sections/limits_connection.inc"
#include "node/config/sections/limits_node.inc"
#include "node/config/sections/mesh.inc"
#include "node/config/sections/auth.inc"
#include "node/config/sections/tls.inc"
#include "node/config/sections/balance.inc"
#include "node/config/sections/tracing.inc"
    // clang-format on
};

#undef WEFT_MEMBER

}  // namespace

std::span<const option> option_table() {
  return rows;
}

}  // namespace weft
