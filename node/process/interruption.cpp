#include "node/process/interruption.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <iterator>
#include <system_error>

#include <sys/eventfd.h>
#include <unistd.h>

#include "node/process/exit_code.hpp"

namespace weft {
namespace {

constexpr int taken[] = {SIGINT, SIGTERM, SIGPIPE};

// A handler may touch nothing but these.
std::atomic<int> first_signal = 0;
std::atomic<int> wakes = -1;
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void on_interruption(int signal) {
  int none = 0;
  if (!first_signal.compare_exchange_strong(none, signal)) _exit(exit_signal_base + signal);
  const int error = errno;
  static_cast<void>(eventfd_write(wakes, 1));
  errno = error;
}

}  // namespace

interruption::interruption() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (descriptor_ < 0) throw std::system_error(errno, std::system_category(), "eventfd");
  first_signal = 0;
  wakes = descriptor_;
  for (std::size_t i = 0; i < std::size(taken); ++i) {
    sigaction(taken[i], nullptr, &before_[i]);
    if (before_[i].sa_handler == SIG_IGN) continue;
    struct sigaction action{};
    if (taken[i] == SIGPIPE)
      action.sa_handler = SIG_IGN;
    else
      action.sa_handler = on_interruption;
    // Two that come at once are handled one behind the other.
    sigaddset(&action.sa_mask, SIGINT);
    sigaddset(&action.sa_mask, SIGTERM);
    sigaction(taken[i], &action, nullptr);
  }
}

interruption::~interruption() {
  for (std::size_t i = 0; i < std::size(taken); ++i) sigaction(taken[i], &before_[i], nullptr);
  close(descriptor_);
}

int interruption::signal() const noexcept {
  return first_signal;
}

}  // namespace weft
