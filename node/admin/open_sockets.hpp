// The admin port's connections and how old they are. Each has a total time for its request and its answer,
// whatever it sends meanwhile, and when there are too many, the oldest is cut: a health check that has just
// come is answered at once, one that has said nothing for a while is no health check.
//
// Thread safety: not safe; the server locks.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>

#include <sys/socket.h>

namespace weft {

class open_sockets {
 public:
  using clock = std::chrono::steady_clock;

  open_sockets(std::size_t most, std::chrono::milliseconds longest) : most_(most), longest_(longest) {}

  void add(int descriptor, clock::time_point now) {
    sockets_.push_back({descriptor, now});
    // Those that were cut before may not be closed yet.
    auto excess = sockets_.size() > most_ ? sockets_.size() - most_ : 0;
    for (auto& socket : sockets_) {
      if (excess == 0) break;
      if (!socket.is_cut) cut(socket);
      --excess;
    }
  }
  void remove(int descriptor) {
    sockets_.remove_if([&](const socket& s) { return s.descriptor == descriptor; });
  }
  void cut_late(clock::time_point now) {
    for (auto& socket : sockets_) {
      if (now - socket.since > longest_) cut(socket);
    }
  }

 private:
  struct socket {
    int descriptor;
    clock::time_point since;
    bool is_cut = false;
  };

  /// The server finds it at its end, and closes it.
  static void cut(socket& s) {
    s.is_cut = true;
    ::shutdown(s.descriptor, SHUT_RDWR);
  }

  std::size_t most_;
  std::chrono::milliseconds longest_;
  /// The oldest first.
  std::list<socket> sockets_;
};

}  // namespace weft
