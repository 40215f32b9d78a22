// The admin port's connections and how old they are. Each has a total time for its request and its answer,
// whatever it sends meanwhile, and when there are too many, the oldest is cut: a health check that has just
// come is answered at once, one that has said nothing for a while is no health check. Its first line has a
// time of its own, behind which it is told that this port speaks HTTP.
//
// Thread safety: not safe; the server locks.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>

#include <sys/socket.h>

#include "node/admin/first_line.hpp"

namespace weft {

class open_sockets {
 public:
  using clock = std::chrono::steady_clock;

  open_sockets(std::size_t most, std::chrono::milliseconds first_line, std::chrono::milliseconds longest)
      : most_(most), first_line_(first_line), longest_(longest) {}

  void add(int descriptor, clock::time_point now) {
    sockets_.push_back({descriptor, now});
    if (!may_begin_request(descriptor)) {
      turn_away(descriptor, bad_request);
      sockets_.back().is_cut = true;
    }
    // Sockets that were cut before may not be closed yet.
    auto excess = sockets_.size() > most_ ? sockets_.size() - most_ : 0;
    for (auto& socket : sockets_) {
      if (excess == 0) break;
      if (!socket.is_cut) cut(socket);
      --excess;
    }
  }
  /// Its first line is complete.
  void begin(int descriptor) {
    for (auto& socket : sockets_) {
      if (socket.descriptor == descriptor) socket.begun = true;
    }
  }
  void remove(int descriptor) {
    sockets_.remove_if([&](const socket& s) { return s.descriptor == descriptor; });
  }
  void cut_late(clock::time_point now) {
    for (auto& socket : sockets_) {
      if (socket.is_cut) continue;
      if (!socket.begun && now - socket.since > first_line_) {
        turn_away(socket.descriptor, request_timeout);
        socket.is_cut = true;
      } else if (now - socket.since > longest_) {
        cut(socket);
      }
    }
  }

 private:
  struct socket {
    int descriptor;
    clock::time_point since;
    bool begun = false;
    bool is_cut = false;
  };

  /// The server finds it at its end, and closes it.
  static void cut(socket& s) {
    s.is_cut = true;
    ::shutdown(s.descriptor, SHUT_RDWR);
  }

  std::size_t most_;
  std::chrono::milliseconds first_line_;
  std::chrono::milliseconds longest_;
  /// The oldest first.
  std::list<socket> sockets_;
};

}  // namespace weft
