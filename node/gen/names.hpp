// Names of the wire as names of a programming language: any text becomes an identifier, always the same one,
// and no two in a scope are alike.
#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace weft::gen {

/// Letters, digits and underscores, not beginning with a digit.
bool is_identifier(std::string_view text);

/// The text itself if it is an identifier without an underscore in front; else the nearest to it: "max-age"
/// becomes "max_age", "2fa" "m2fa", "_id" "m_id", "" "m".
std::string identifier(std::string_view text);

/// "users.getAll" as "UsersGetAll"; begins with a T where it would begin with a digit.
std::string pascal_case(std::string_view text);
/// "users.getAll" as "users_get_all"; begins with a t where it would begin with a digit.
std::string snake_case(std::string_view text);

/// The names of one scope. Those that are taken get an underscore, or a number from 2 on.
class scope {
 public:
  /// `reserved`: keywords, and what the generated code uses itself.
  explicit scope(const std::set<std::string_view>& reserved) : reserved_(&reserved) {}

  /// Takes a name: the wanted one, or the nearest that is free.
  std::string take(std::string wanted);
  bool has(const std::string& name) const { return taken_.contains(name); }

 private:
  const std::set<std::string_view>* reserved_;
  std::set<std::string> taken_;
};

/// The identifier of a text, with underscores behind it until it is no name of that scope.
std::string free_identifier(std::string_view text, const scope& outside);

}  // namespace weft::gen
