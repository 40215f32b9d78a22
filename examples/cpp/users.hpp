// A user, as it travels: the service and its callers read the same struct.
#pragma once

#include <string>

#include <weft/fields.hpp>

struct user {
  int id;
  std::string name;
};
WEFT_FIELDS(user, id, name)
