// Without -DFIELDS a mistake: nobody has told the members of the struct.
#include <weft/weft.hpp>

namespace shop {

struct point {
  int x = 0;
  int y = 0;
};
#ifdef FIELDS
WEFT_FIELDS(point, x, y)
#endif

}  // namespace shop

int main() {
  weft::service shapes("shapes");
#ifdef AS_parameter
  shapes.method("far", [](std::vector<shop::point> of) { return of.size(); }, {.params = {"of"}});
#endif
#ifdef AS_result
  shapes.method("middle", [] { return shop::point(); });
#endif
#ifdef AS_argument
  const auto node = weft::client::connect("127.0.0.1:1");
  if (node) (void)node->call<int>("far", shop::point()).get();
#endif
}
