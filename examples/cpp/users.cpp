// A service of two typed methods, inside a node: `users` takes all options of `weft node`.
//
//     ./users --listen 127.0.0.1:7400
//     weft call 127.0.0.1:7400 users.get '{"id": 1}'
#include "users.hpp"

#include <vector>

#include <weft/service.hpp>

weft::task<weft::result<user>> get(weft::call_context, int id) {
  if (id != 1) co_return weft::error(404, "no user {}", id);
  co_return user{1, "Ada"};
}

std::vector<user> list(int limit) {
  std::vector<user> all = {{1, "Ada"}, {2, "Alan"}};
  if (limit < 2) all.resize(static_cast<std::size_t>(std::max(limit, 0)));
  return all;
}

int main(int argc, char** argv) {
  weft::service users("users");
  users.method("users.get", get, {.params = {"id"}, .idempotent = true});
  users.method("users.list", list, {.params = {"limit"}, .defaults = {{"limit", 10}}});
  return weft::run(argc, argv, users);
}
