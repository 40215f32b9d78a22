// The acceptors of proto/json/simd/acceptor.hpp by the instructions they need, and how to compile for those.
//
// The rest of the program stays with the baseline of its architecture. Only what stands between
// WEFT_TARGET_BEGIN and WEFT_TARGET_END may use more, and is called after asking the processor. Headers of
// others are included before, else their inline functions could be linked into code that runs everywhere.
#pragma once

#include "proto/json/simd/acceptor.hpp"

#define WEFT_PRAGMA(text) _Pragma(#text)

#if defined(__clang__)
#define WEFT_TARGET_BEGIN(features) \
  WEFT_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define WEFT_TARGET_END WEFT_PRAGMA(clang attribute pop)
#else
#define WEFT_TARGET_BEGIN(features) WEFT_PRAGMA(GCC push_options) WEFT_PRAGMA(GCC target(features))
#define WEFT_TARGET_END WEFT_PRAGMA(GCC pop_options)
#endif

#if defined(__x86_64__)

namespace weft::proto {

const char* accept_with_avx2(const char* at, const char* end, container_word levels,
                             std::size_t room) noexcept;
const char* accept_with_avx512(const char* at, const char* end, container_word levels,
                               std::size_t room) noexcept;

}  // namespace weft::proto

#endif
