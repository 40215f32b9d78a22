// A node of the shop: everything that `weft` is, with the orders service inside.   weft_shop_node node
// [OPTION…]
//
// A service in the node's own process saves a hop; users and billing show the other way, a connection from
// any language.
#include "examples/shop/orders.hpp"
#include "node/commands/program.hpp"

int main(int argc, char** argv) {
  return weft::run_program(argc, argv,
                           {.name = "weft_shop_node",
                            .summary = "weft_shop_node: a weft node that serves orders.create",
                            .hooks = {.add_services = shop::add_orders}});
}
