// SIGINT and SIGTERM of a command that ends what it has under way before it ends itself.
//
// Ownership: while the object lives it owns what the two signals and SIGPIPE do; then they do again what they
// did before. Thread safety: one object at a time, made and ended by one thread; any thread may take the
// signal. Errors: the constructor throws std::system_error where no descriptor is left.
#pragma once

#include <csignal>

namespace weft {

class interruption {
 public:
  /// A signal that is ignored stays so. SIGPIPE becomes an error of the write. System calls that wait are
  /// interrupted.
  interruption();
  ~interruption();
  interruption(const interruption&) = delete;
  interruption& operator=(const interruption&) = delete;

  /// Readable, as poll(2) has it, once a signal has come.
  int descriptor() const noexcept { return descriptor_; }
  /// The first signal that has come; 0 while there is none. A second one ends the process at once with
  /// 128 + its number.
  int signal() const noexcept;

 private:
  int descriptor_;
  struct sigaction before_[3] = {};
};

}  // namespace weft
