#include "proto/json/simd/kernels.hpp"

#if defined(__x86_64__)

#include <algorithm>
#include <bit>
#include <cstring>

#include <immintrin.h>

#include "proto/json/json_escape.hpp"

WEFT_TARGET_BEGIN("avx2,avx512f,avx512bw,avx512dq,avx512vbmi,avx512vbmi2,gfni,pclmul,bmi,bmi2")

#include "proto/json/simd/tokens/walk.inc"

namespace weft::proto {

const char* accept_with_avx512(const char* at, const char* end, container_word levels,
                               std::size_t room) noexcept {
  return token_walk(levels, room).run(at, end);
}

}  // namespace weft::proto

WEFT_TARGET_END

#endif
