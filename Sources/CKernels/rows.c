// Rows of a table, looked up and added to.
#include "tables.h"

void ur_gather_rows(long count, long columns, const int32_t *indices, const float *table, long ldt, float *out,
                    long ldo) {
  for (long i = 0; i < count; i++) memcpy(out + i * ldo, table + indices[i] * ldt, (size_t)columns * sizeof(float));
}

void ur_scatter_add_rows(long count, long columns, const int32_t *indices, const float *x, long ldx, float *out,
                         long ldo) {
  for (long i = 0; i < count; i++) {
    float *to = out + indices[i] * ldo;
    const float *from = x + i * ldx;
    for (long j = 0; j < columns; j++) to[j] += from[j];
  }
}
