// Intel and AMD with AVX-512: vectors of sixteen floats, 32 registers, masks.
#include "../tables.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define UR_NAME avx512
#define UR_WIDTH 16
#define UR_PANEL_VECTORS 2
#define UR_TILE_ROWS 12
#define UR_FIRST(n) (__mmask16)((1u << (n)) - 1)
#define UR_LOAD_PART(p, n) (vf) _mm512_maskz_loadu_ps(UR_FIRST(n), p)
#define UR_STORE_PART(p, v, n) _mm512_mask_storeu_ps(p, UR_FIRST(n), (__m512)(v))
#define UR_HALVES(a, b) (vi) _mm512_madd_epi16((__m512i)(a), (__m512i)(b))
#define UR_TIMES_POWER_OF_TWO(x, n) (vf) _mm512_scalef_ps((__m512)(x), (__m512)(n))

#pragma clang attribute push(                                                                                        \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#include "../bodies/table.inc"
#pragma clang attribute pop
#endif
