#include <weft/client.hpp>

weft::result<int> fails();

int main() {
  fails();
}
