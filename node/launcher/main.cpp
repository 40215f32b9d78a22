// The program that a user starts as `weft`: it runs libexec/weft/weft-node of its own installation with the
// same arguments and environment, in the same process. Where they say `node` it first blocks the signals that
// node/process/signals.hpp waits for.
//
// The dynamic loader needs some ten milliseconds for the libraries of the real program before anything of it
// runs. A SIGTERM of that time would end the process at once, or, sent to process 1 of a container, be lost.
// This program needs no loader: it is static and without a C library, and the mask of signals is kept by
// execve.
//
// Errors: one line on standard error and exit code 127, as a shell has it for a program that it cannot run.
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>

#include <fcntl.h>
#include <linux/limits.h>
#include <sys/syscall.h>

namespace {

constexpr int exit_cannot_run = 127;
constexpr int standard_error = 2;
constexpr char program[] = "/libexec/weft/weft-node";

long system_call(long number, long a, long b = 0, long c = 0, long d = 0) {
  long result = 0;
  register long r10 asm("r10") = d;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
               : "rcx", "r11", "memory");
  return result;
}

template <class T>
long address_of(T* what) {
  return reinterpret_cast<long>(what);
}

bool is_node(const char* argument) {
  constexpr char node[] = "node";
  for (std::size_t i = 0; i < sizeof node; ++i)
    if (argument[i] != node[i]) return false;
  return true;
}

constexpr std::uint64_t bit(int signal) {
  return std::uint64_t{1} << (signal - 1);
}

void block_signals() {
  constexpr std::uint64_t waited_for = bit(SIGTERM) | bit(SIGINT) | bit(SIGHUP) | bit(SIGXCPU);
  system_call(SYS_rt_sigprocmask, SIG_BLOCK, address_of(&waited_for), 0, sizeof waited_for);
}

/// Gathered, so that it goes out in one write.
class line {
 public:
  void add(const char* text) {
    while (*text != '\0' && size_ < sizeof bytes_) bytes_[size_++] = *text++;
  }
  void add(long number) {
    if (number >= 10) add(number / 10);
    const char digit[] = {static_cast<char>('0' + number % 10), '\0'};
    add(digit);
  }
  void write() const { system_call(SYS_write, standard_error, address_of(bytes_), static_cast<long>(size_)); }

 private:
  char bytes_[PATH_MAX + 512];
  std::size_t size_ = 0;
};

const char* meaning_of(long error) {
  switch (error) {
    case ENOENT:
      return "no such file";
    case EACCES:
      return "permission denied";
    case ENOEXEC:
      return "not a program for this machine";
    case ENAMETOOLONG:
      return "the path is too long";
    case ENOMEM:
      return "out of memory";
    case E2BIG:
      return "arguments and environment are too large";
    default:
      return "see errno(3)";
  }
}

[[noreturn]] void fail(const char* what, const char* path, long error, const char* hint) {
  line message;
  message.add("weft: cannot ");
  message.add(what);
  message.add(" ");
  message.add(path);
  message.add(": ");
  message.add(meaning_of(error));
  message.add(" (errno ");
  message.add(error);
  message.add("); ");
  message.add(hint);
  message.add("\n");
  message.write();
  for (;;) system_call(SYS_exit_group, exit_cannot_run);
}

/// Takes the last component off; `path` is absolute.
std::size_t parent(const char* path, std::size_t length) {
  while (length > 0 && path[length - 1] != '/') --length;
  return length > 0 ? length - 1 : 0;
}

}  // namespace

/// `stack` is as the kernel leaves it: the number of arguments, the arguments, a null, the environment, a
/// null.
extern "C" [[noreturn, gnu::used]] void launch(char** stack) {
  const long count = address_of(*stack);
  char** const arguments = stack + 1;
  if (count > 1 && is_node(arguments[1])) block_signals();

  char path[PATH_MAX + sizeof program];
  const char* const self = "/proc/self/exe";
  const long read = system_call(SYS_readlinkat, AT_FDCWD, address_of(self), address_of(path), PATH_MAX);
  if (read < 0) fail("read", self, -read, "mount /proc: it tells where the program is installed");
  if (read == PATH_MAX) fail("read", self, ENAMETOOLONG, "install weft in a directory with a shorter name");
  // Links are resolved, so this is PREFIX/bin/weft.
  std::size_t length = parent(path, parent(path, static_cast<std::size_t>(read)));
  for (const char each : program) path[length++] = each;

  char** const environment = arguments + count + 1;
  const long error =
      -system_call(SYS_execve, address_of(path), address_of(arguments), address_of(environment));
  fail("run", path, error, "install bin/weft and libexec/weft/weft-node of one build under one prefix");
}

asm(R"(
.text
.globl _start
.type _start, @function
_start:
  xor %ebp, %ebp
  mov %rsp, %rdi
  and $-16, %rsp
  call launch
  ud2
)");
