// Which table runs: the best that CPU and operating system support, or the one that UNROLL_ISA names.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "tables.h"

#if defined(__x86_64__)
#include <cpuid.h>

// The vector registers that the operating system saves for a process, bits of XCR0.
static unsigned saved_registers(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return 0;
  __asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
  return a;
}

static bool has_avx2(void) {
  unsigned a, b, c, d;
  if ((saved_registers() & 0x6) != 0x6) return false;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_FMA)) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2);
}

static bool has_avx512(void) {
  unsigned a, b, c, d;
  const unsigned needed = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
  if (!has_avx2() || (saved_registers() & 0xe6) != 0xe6) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & needed) == needed;
}

static bool has_avx512bf16(void) {
  unsigned a, b, c, d;
  if (!has_avx512() || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(c & bit_AVX512VNNI)) return false;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & bit_AVX512BF16);
}
#endif

long ur_available_kernels(const ur_kernels **tables, long capacity) {
  const ur_kernels *found[4] = {&ur_table_portable};
  long count = 1;
#if defined(__x86_64__)
  if (has_avx2()) found[count++] = &ur_table_avx2;
  if (has_avx512()) found[count++] = &ur_table_avx512;
  if (has_avx512bf16()) found[count++] = &ur_table_avx512bf16;
#elif defined(__aarch64__)
  found[count++] = &ur_table_neon;
#endif
  for (long i = 0; i < count && i < capacity; i++) tables[i] = found[i];
  return count;
}

static const ur_kernels *active;

static void choose(void) {
  const ur_kernels *tables[4];
  long count = ur_available_kernels(tables, 4);
  active = tables[count - 1];
  const char *name = getenv("UNROLL_ISA");
  if (!name || !*name) return;
  for (long i = 0; i < count; i++)
    if (strcmp(name, tables[i]->name) == 0) {
      active = tables[i];
      return;
    }
  fprintf(stderr, "error: UNROLL_ISA=%s is no instruction set that this machine supports\nhint: use one of:", name);
  for (long i = 0; i < count; i++) fprintf(stderr, " %s", tables[i]->name);
  fprintf(stderr, "\n");
  exit(2);
}

const ur_kernels *ur_active_kernels(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, choose);
  return active;
}

long ur_packed_count(const ur_kernels *table, long k, long n) {
  return (n + table->panel - 1) / table->panel * table->panel * k;
}

long ur_packed_depth(ur_precision precision, long k) {
  const long depths = k > UR_DEPTH ? (k + UR_DEPTH - 1) / UR_DEPTH : 1;
  switch (precision) {
    case UR_BFLOAT16: return (k + 1) / 2;
    case UR_INT8: return (k + 3) / 4 + 2 * depths;
    default: return k;
  }
}

long ur_outer_scratch(const ur_kernels *table, long n) {
  (void)n;
  return table->outer_scratch;
}
