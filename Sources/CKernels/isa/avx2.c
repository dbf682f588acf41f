// Intel and AMD with AVX2 and FMA: vectors of eight floats, 16 registers.
#include "../tables.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define UR_NAME avx2
#define UR_WIDTH 8
#define UR_PANEL_VECTORS 2
#define UR_TILE_ROWS 6
static const int32_t lanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
#define UR_HALVES(a, b) (vi) _mm256_madd_epi16((__m256i)(a), (__m256i)(b))
#define UR_FIRST(n) _mm256_loadu_si256((const __m256i *)(lanes + 8 - (n)))
#define UR_LOAD_PART(p, n) (vf) _mm256_maskload_ps(p, UR_FIRST(n))
#define UR_STORE_PART(p, v, n) _mm256_maskstore_ps(p, UR_FIRST(n), (__m256)(v))

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "../bodies/table.inc"
#pragma clang attribute pop
#endif
