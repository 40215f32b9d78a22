// An OpenRPC document, as `rpc.discover` answers it, to the methods that a client is written for.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "node/gen/model.hpp"

namespace weft::gen {

/// The methods that `pattern` covers: a name, `users.*` or `*`. An empty one stands for all but those of the
/// node itself
/// (`rpc.*`, `mesh.*`). The error is a sentence about the document: it is no JSON, no OpenRPC, or holds no
/// such method.
std::expected<model, std::string> read_document(std::string_view text, std::string_view pattern);

}  // namespace weft::gen
