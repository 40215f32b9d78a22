// The classes of a client, one for each prefix, with the names of what is in them: the same walk for every
// language, which then writes each in its own way.
//
// Ownership: an outline points into the model that it was made of.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "node/gen/model.hpp"
#include "node/gen/names.hpp"

namespace weft::gen {

struct class_outline {
  struct member {
    std::string name;
    /// The class of what is inside.
    std::string type;
  };
  struct entry {
    std::string name;
    const gen::method* method;
    /// The type of its parameters taken together; empty where there are none, or the language has none.
    std::string parameters{};
  };
  std::string name;
  std::string doc;
  std::vector<member> members{};
  std::vector<entry> methods{};
  /// The names in it.
  scope inside;
};

/// How a language names things.
struct naming {
  /// What no member may be called.
  const std::set<std::string_view>* reserved;
  /// "users.admin" as the beginning of a type's name.
  std::string (*type_name)(std::string_view text);
  /// What stands behind it: of a class with methods, and of the parameters of one, where those have a type.
  std::string_view methods_end;
  std::string_view parameters_end{};
  /// Names that are taken in every class; its own is, too, where that is so.
  std::vector<std::string> taken{};
  bool takes_own_name = false;
  /// Whether members hide what is called alike in the module, and so must not be.
  bool members_hide = false;
};

/// Those that others are made of come first; `root` is the name of the last one. Types are named in `module`.
std::vector<class_outline> outline_of(const std::vector<method>& methods, const std::string& root,
                                      scope& module, const naming& by);

/// What a reader is told of a method or a field beside its type.
std::string doc_of(const method& of);
std::string doc_of(const field& of);
bool needs_parameters(const method& of);
/// The sentence about services whose methods are not known; empty where there are none.
std::string about_prefixes(const model& of);

}  // namespace weft::gen
