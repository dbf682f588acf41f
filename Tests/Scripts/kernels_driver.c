// Runs every kernel of every table with odd sizes on heap buffers of exact size, so that a sanitizer sees each access
// outside. Built and run by sanitize-kernels.sh. With the argument "threads" it exercises the worker threads instead.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unroll_kernels.h"

static float *numbers(long count) {
  float *p = malloc((size_t)count * sizeof(float));
  for (long i = 0; i < count; i++) p[i] = (float)(i * 37 % 101 - 50) / 50.0f;
  return p;
}

static float *aligned_numbers(long count) {
  void *p = 0;
  if (posix_memalign(&p, 64, (size_t)(count > 0 ? count : 1) * sizeof(float)) != 0) exit(1);
  memset(p, 0, (size_t)count * sizeof(float));
  return p;
}

// A matrix without anything behind its last row's last column.
static float *matrix(long rows, long columns, long stride) {
  return numbers(rows == 0 ? 0 : (rows - 1) * stride + columns);
}

static void products(const ur_kernels *t, long m, long n, long k) {
  float *a = matrix(m, k, k + 1), *b = matrix(k, n, n + 2), *c = matrix(m, n, n + 3), *bias = numbers(n);
  float *packed = aligned_numbers(ur_packed_count(t, k, n)), *turned = matrix(n, k, k);
  t->pack(k, n, turned, 1, k, packed);
  t->pack(k, n, b, n + 2, 1, packed);
  t->product(m, n, k, a, k + 1, packed, 0, 0, c, n + 3);
  t->product(m, n, k, a, k + 1, packed, bias, 0, c, n + 3);
  t->product(m, n, k, a, k + 1, packed, c, n + 3, c, n + 3);

  float *half_words = aligned_numbers(ur_packed_count(t, ur_packed_depth(UR_BFLOAT16, k), n));
  float *bytes = aligned_numbers(ur_packed_count(t, ur_packed_depth(UR_INT8, k), n));
  t->pack_bf16(k, n, turned, 1, k, half_words);
  t->pack_bf16(k, n, b, n + 2, 1, half_words);
  t->product_bf16(m, n, k, a, k + 1, half_words, bias, 0, c, n + 3);
  t->pack_int8(k, n, turned, 1, k, bytes);
  t->pack_int8(k, n, b, n + 2, 1, bytes);
  t->product_int8(m, n, k, a, k + 1, bytes, c, n + 3, c, n + 3);

  float *left = matrix(k, m, m + 1), *scratch = aligned_numbers(ur_outer_scratch(t, n));
  const long half = k / 2;
  const ur_segment segments[] = {{left, b, half}, {left, b, 0}, {left + half * (m + 1), b + half * (n + 2), k - half}};
  t->outer(m, n, segments, 3, m + 1, n + 2, c, n + 3, false, scratch);
  t->outer(m, n, segments, 3, m + 1, n + 2, c, n + 3, true, scratch);
  float *all[] = {a, b, c, bias, packed, turned, left, scratch, half_words, bytes};
  for (int i = 0; i < 10; i++) free(all[i]);
}

static void programs(const ur_kernels *t, long rows, long columns) {
  float *a = matrix(rows, columns, columns + 1), *b = matrix(rows, columns, columns), *one = matrix(rows, 1, 3);
  float *d = matrix(rows, columns, columns), *scratch = aligned_numbers(2 * UR_TILE);
  const ur_operand operands[] = {{a, columns + 1}, {b, columns}, {d, columns}, {one, 3}};
  for (uint16_t op = 0; op < UR_SPLAT; op++) {
    const ur_instruction code[] = {{UR_SPLAT, 4, 3, 0, 0, 0}, {op, 5, 0, 4, 2, 1}, {op, 2, 5, 1, 2, 1}};
    t->pointwise(code, 3, operands, 4, rows, columns, scratch);
    const ur_instruction dense = {op, 1, 0, 0, 2, 1};
    t->pointwise(&dense, 1, operands + 1, 2, rows, columns, scratch);
  }
  float *gates = matrix(rows, 4 * columns, 4 * columns);
  t->lstm_gates(rows, columns, gates, b, d);
  float *all[] = {a, b, d, one, scratch, gates};
  for (int i = 0; i < 6; i++) free(all[i]);
}

static void row_functions(const ur_kernels *t, long rows, long columns) {
  float *x = matrix(rows, columns, columns + 2), *y = matrix(rows, columns, columns + 1), *sums = numbers(columns);
  float *losses = numbers(rows), *turned = matrix(columns, rows, rows);
  int32_t *targets = malloc((size_t)rows * sizeof *targets);
  for (long i = 0; i < rows; i++) targets[i] = i % 3 == 2 ? -1 : (int32_t)(columns - 1);
  t->softmax(rows, columns, x, columns + 2, y, columns + 1);
  t->log_softmax(rows, columns, x, columns + 2, y, columns + 1);
  if (columns > 0) {
    t->cross_entropy(rows, columns, x, columns + 2, targets, losses, y, columns + 1);
    t->cross_entropy_gradient(rows, columns, y, columns + 1, targets, losses, y, columns + 1);
  }
  t->column_sum(rows, columns, x, columns + 2, sums, true);
  t->row_sum(rows, columns, x, columns + 2, losses, 1);
  t->normalize(rows, columns, x, columns + 2, 1e-5f, y, columns + 1);
  t->normalize_gradient(rows, columns, x, columns + 2, y, columns + 1, 1e-5f, y, columns + 1);
  t->transpose(rows, columns, x, columns + 2, turned, rows);
  float *all[] = {x, y, sums, losses, turned};
  for (int i = 0; i < 5; i++) free(all[i]);
  free(targets);
}

static void vectors(const ur_kernels *t, long count) {
  float *w = numbers(count), *g = numbers(count), *m = numbers(count), *v = numbers(count);
  for (long i = 0; i < count; i++) v[i] = v[i] * v[i];
  t->adam(count, w, g, m, v, 1, 0.01f, 0.9f, 0.999f, 1e-8f, 2, 3, 0.1f, 0.1f);
  t->sgd(count, w, g, m, 1, 0.01f, 0.9f, true, 0.1f);
  t->sgd(count, w, g, 0, 1, 0.01f, 0, false, 0);
  volatile double total = t->sum(count, w) + t->sum_of_squares(count, w) + (double)t->fma_burst(2);
  (void)total;
  ur_random_uniform(1, 2, 3, count, w);
  ur_random_mask(1, 2, 3, count, 0.5f, 2, w);
  float *all[] = {w, g, m, v};
  for (int i = 0; i < 4; i++) free(all[i]);
}

static void rows(void) {
  float *table = matrix(5, 7, 9), *out = matrix(3, 7, 8);
  const int32_t indices[] = {4, 0, 4};
  ur_gather_rows(3, 7, indices, table, 9, out, 8);
  ur_scatter_add_rows(3, 7, indices, out, 8, table, 9);
  free(table);
  free(out);
}

static void add_index(void *context, long index) { atomic_fetch_add((_Atomic long *)context, index); }
static void write_own(void *context, long index) { ((long *)context)[index] = index; }
static void nested(void *context, long index) {
  (void)index;
  ur_parallel(10, add_index, context);
}

static void *call_often(void *unused) {
  for (int i = 0; i < 1000; i++) {
    _Atomic long sum = 0;
    long own[17];
    ur_parallel(100, add_index, &sum);
    ur_parallel(17, write_own, own);
    for (long j = 0; j < 17; j++) sum += own[j];
    if (i % 50 == 0) ur_parallel(3, nested, &sum);
    if (sum != 4950 + 136 + (i % 50 == 0 ? 135 : 0)) {
      fprintf(stderr, "ur_parallel: a wrong sum, %ld\n", (long)sum);
      exit(1);
    }
  }
  return unused;
}

static void threads(void) {
  for (long count = 1; count <= 5; count++) {
    ur_set_thread_count(count);
    pthread_t other[2];
    for (int i = 0; i < 2; i++)
      if (pthread_create(&other[i], 0, call_often, 0) != 0) exit(1);
    call_often(0);
    for (int i = 0; i < 2; i++) pthread_join(other[i], 0);
  }
  ur_set_thread_count(1);
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "threads") == 0) {
    threads();
    printf("threads: done\n");
    return 0;
  }
  const ur_kernels *tables[8];
  const long count = ur_available_kernels(tables, 8);
  for (long i = 0; i < count; i++) {
    const ur_kernels *t = tables[i];
    for (long m = 0; m <= 2 * t->tile + 1; m++)
      for (long n = 0; n <= 5 * t->panel; n += n < 2 ? 1 : t->width - 1) products(t, m, n, 5);
    products(t, 5 * t->tile + 1, t->panel + 1, 0);
    products(t, 26 * t->tile + 5, t->panel + 3, 400);
    for (long columns = 0; columns <= 2 * UR_TILE + 5; columns += columns < 2 * t->width + 1 ? 1 : 13)
      for (long height = 0; height <= 3; height++) {
        programs(t, height, columns);
        row_functions(t, height * 11, columns);
      }
    for (long length = 0; length <= 3 * t->width + 1; length++) vectors(t, length);
    printf("%s: done\n", t->name);
  }
  rows();
  return 0;
}
