// Addresses of nodes to connect to: "127.0.0.1:7400", or several, {"10.0.0.1:7400", "10.0.0.2:7400"}, that
// are tried in turn.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace weft {

class addresses {
 public:
  addresses(const char* one) : list_{one} {}
  addresses(std::string one) : list_{std::move(one)} {}
  addresses(std::initializer_list<std::string> several) : list_(several) {}
  addresses(std::vector<std::string> several) : list_(std::move(several)) {}

  const std::vector<std::string>& list() const noexcept { return list_; }

 private:
  std::vector<std::string> list_;
};

}  // namespace weft
