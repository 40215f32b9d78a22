// The file behind `auth.tokens_file`: who may serve and call what.
//
//     {"identities": [{"name": "orders", "token": "…", "serve": ["orders.*"], "call": ["users.get"]}],
//      "everyone": {"call": ["rpc.discover", "mesh.health"]}}
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "actors/access/access_policy.hpp"
#include "node/config/program_options.hpp"
#include "node/config/sources.hpp"

namespace weft {

/// All complaints are returned together; none shows a token.
std::expected<std::shared_ptr<const access_policy>, std::vector<std::string>> parse_tokens_file(
    const config_text& file);

/// The same of the file at `path`, which nobody else may read.
std::expected<std::shared_ptr<const access_policy>, std::vector<std::string>> read_tokens_file(
    const std::string& path);

/// Reads the files that `options.auth` names into `options.node.auth`; returns what was wrong with them.
std::vector<std::string> load_auth_files(program_options& options);

}  // namespace weft
