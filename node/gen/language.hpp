// The languages that clients are written in. One row each; `weft gen` and its help go by the table.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "node/gen/model.hpp"

namespace weft::gen {

struct request {
  gen::model model;
  /// What the client is called: a class, in C++ a namespace.
  std::string name = "mesh";
  /// The command that makes this text, for its first line.
  std::string command;
};

std::string write_python(const request& of);
std::string write_typescript(const request& of);
std::string write_cpp(const request& of);

struct language {
  std::string_view name;
  std::string_view help;
  /// The whole file. The same request always gives the same bytes.
  std::string (*write)(const request& of);
};

inline constexpr std::array languages = {
    language{"python", "a module for the package weft, clean under mypy --strict", write_python},
    language{"typescript", "a module for the package weft, clean under tsc --strict", write_typescript},
    language{"cpp", "a header for weft::weft", write_cpp},
};

}  // namespace weft::gen
