#include <weft/client.hpp>

int main() {
  auto node = weft::client::connect("127.0.0.1:7400").value();
  node.call<int>("users.count");
}
