#include "proto/json/simd/acceptor.hpp"

#include <array>

#include "proto/json/simd/kernels.hpp"

namespace weft::proto {
namespace {

#if defined(__x86_64__)

// Before Zen 3, AMD's processors took hundreds of cycles for PEXT, on which the acceptors rely.
bool has_slow_pext() noexcept {
  return __builtin_cpu_is("amdfam15h") || __builtin_cpu_is("znver1") || __builtin_cpu_is("znver2");
}

bool has_avx2() noexcept {
  return !has_slow_pext() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") &&
         __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

// VBMI2 also stands for the processors (Ice Lake, Zen 4 and later) that do not lower their clock for vectors
// of 512 bits.
bool has_fast_avx512() noexcept {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vbmi") &&
         __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("gfni");
}

#endif

struct acceptor_list {
  std::array<named_acceptor, 3> entries{};
  std::size_t count = 0;

  acceptor_list() noexcept {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (has_fast_avx512()) entries[count++] = {"avx512", accept_with_avx512};
    if (has_avx2()) entries[count++] = {"avx2", accept_with_avx2};
#endif
    entries[count++] = {"scanner alone", nullptr};
  }
};

const acceptor_list& acceptors() noexcept {
  static const acceptor_list list;
  return list;
}

// Beside the list, since asking whether a static variable has been made costs as much as scanning a name. Not
// yet made, it is null, which means the scanner alone.
const container_acceptor fastest = acceptors().entries.front().accept;

}  // namespace

std::span<const named_acceptor> usable_acceptors() noexcept {
  return std::span(acceptors().entries).first(acceptors().count);
}

container_acceptor fastest_acceptor() noexcept {
  return fastest;
}

}  // namespace weft::proto
