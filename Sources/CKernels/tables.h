// The tables of all instruction sets; which of them exist depends on the architecture that is compiled for.
#ifndef UNROLL_TABLES_H
#define UNROLL_TABLES_H

#include <math.h>
#include <string.h>

#include "include/unroll_kernels.h"

// Rows of a matrix that products of reduced precision sum before they scale.
enum { UR_DEPTH = 1024 };

extern const ur_kernels ur_table_portable;
#if defined(__x86_64__)
extern const ur_kernels ur_table_avx2, ur_table_avx512, ur_table_avx512bf16;
#elif defined(__aarch64__)
extern const ur_kernels ur_table_neon;
#endif

#endif
