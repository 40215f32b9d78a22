// A user's program: a service at a node.   greeter HOST:PORT
#include <weft/weft.hpp>

namespace {

using namespace std::chrono_literals;

struct greeting {
  std::string greeting;
  std::string from;
  std::string other;
};
WEFT_FIELDS(greeting, greeting, from, other)

struct who {
  std::string node;
};
WEFT_FIELDS(who, node)

/// Waits a little, asks the node for its name, and greets both.
weft::task<weft::result<greeting>> greet(weft::call_context ctx, std::string name) {
  if (!co_await weft::sleep_for(ctx, 1ms))
    co_return weft::error(weft::error_code::request_cancelled, "woken");
  const auto other = co_await ctx.mesh().call<who>("demo.whoami");
  if (!other) co_return other.error();
  co_return greeting{"hello " + name, ctx.node(), other->node};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  weft::service greeter("greeter");
  greeter.method("greeter.greet", greet, {.params = {"name"}, .summary = "Greets"});
  return weft::serve(argv[1], greeter);
}
