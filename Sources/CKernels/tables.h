// The tables of all instruction sets; which of them exist depends on the architecture that is compiled for.
#ifndef UNROLL_TABLES_H
#define UNROLL_TABLES_H

#include <string.h>

#include "include/unroll_kernels.h"

extern const ur_kernels ur_table_portable;
#if defined(__x86_64__)
extern const ur_kernels ur_table_avx2, ur_table_avx512;
#elif defined(__aarch64__)
extern const ur_kernels ur_table_neon;
#endif

#endif
