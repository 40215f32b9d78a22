// Sockets of the command-line tools: name resolution, connecting and waiting with a time limit.
//
// Ownership: `unique_fd` closes its descriptor. Thread safety: none needed, a tool is one thread.
// Errors are sentences for the user: what was wrong and what to check.
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include "actors/config/options.hpp"

namespace weft::tools {

using steady_clock = std::chrono::steady_clock;

class unique_fd {
 public:
  unique_fd() = default;
  explicit unique_fd(int fd) noexcept : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~unique_fd() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  void reset() noexcept;

 private:
  int fd_ = -1;
};

/// Every address of a host name. Asks the system's resolver, which has time limits of its own.
std::expected<std::vector<sockaddr_storage>, std::string> resolve(const host_port& address);

/// Tries the addresses of the host one after the other. The socket is non-blocking and sends without delay.
std::expected<unique_fd, std::string> connect_tcp(const host_port& address, steady_clock::time_point until);

/// A non-blocking socket without Nagle's delay whose connect is under way (or done). `errno` says why it is
/// not.
unique_fd start_connect(const sockaddr_storage& target, const sockaddr_storage* source = nullptr);

/// Waits for poll(2) events; false when the time is up, even if an event came at the last moment.
bool wait_ready(int fd, short events, steady_clock::time_point until);

/// What errno means, as in "Connection refused".
std::string error_text(int error_number);

}  // namespace weft::tools
