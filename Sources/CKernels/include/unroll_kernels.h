// The numerical kernels of Unroll: one body of source, compiled once per instruction set, chosen at run time.
//
// All matrices are row-major float32. `ld…` is the distance between rows, in floats. Sizes are counted in elements.
// No kernel allocates. Every row of a result depends on its own row of the input alone, and is summed in the same order
// whatever the number of rows: splitting rows between calls or threads never changes a bit.
#ifndef UNROLL_KERNELS_H
#define UNROLL_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---- Pointwise programs ---------------------------------------------------------------------------------------------
// A chain of elementwise operations runs one operation at a time over a tile of UR_TILE floats that stays in the first
// cache. Registers below `operand_count` are operands in memory, the others are temporaries, one tile each.

//
// Errors against the true value, in units in the last place, wherever the result is a normal number:
//   exp 1.25 (overflows to infinity, underflows gradually), log 1.25 (also of denormal numbers; log 0 is -infinity),
//   tanh 3 (relative, so also near 0; never beyond 1), sigmoid 3 down to -87; below it stays at 1.6e-38, never 0.
// NaN stays NaN in all of them and in maximum's and relu's argument a.

enum { UR_TILE = 128, UR_MAX_TEMPORARIES = 64 };

typedef enum ur_opcode {
  UR_COPY,           // d = a
  UR_ADD,            // d = a + b
  UR_SUBTRACT,       // d = a - b
  UR_MULTIPLY,       // d = a * b
  UR_DIVIDE,         // d = a / b
  UR_MAXIMUM,        // d = max(a, b)
  UR_AFFINE,         // d = scale * a + offset
  UR_EXP,            // d = exp(a)
  UR_LOG,            // d = log(a)
  UR_TANH,           // d = tanh(a)
  UR_SIGMOID,        // d = 1 / (1 + exp(-a))
  UR_RELU,           // d = max(a, 0)
  UR_SQUARE,         // d = a * a
  UR_SQRT,           // d = sqrt(a)
  UR_RECIPROCAL,     // d = 1 / a
  UR_COSINE,         // d = cos(a)
  UR_TANH_GRADIENT,    // d = b * (1 - a * a)      a = tanh(x), b = cotangent
  UR_SIGMOID_GRADIENT, // d = b * a * (1 - a)      a = sigmoid(x)
  UR_RELU_GRADIENT,    // d = a > 0 ? b : 0        a = relu(x)
  UR_SPLAT,          // d = a[row, 0] in every column (a must be an operand)
  UR_OPCODE_COUNT
} ur_opcode;

typedef struct ur_instruction {
  uint16_t opcode, destination, a, b;  // b is ignored by operations of one argument
  float scale, offset;                 // of UR_AFFINE
} ur_instruction;

typedef struct ur_operand {
  float *base;
  long stride;  // floats between rows; 0 repeats one row for all
} ur_operand;

// One part of the rows that a weight gradient sums over: `rows` rows of a and of b.
typedef struct ur_segment {
  const float *a, *b;
  long rows;
} ur_segment;

// How many bits the numbers of a packed matrix have.
typedef enum ur_precision {
  UR_FLOAT32,
  UR_BFLOAT16,  // 8 significant bits, the exponents of float32
  UR_INT8       // whole numbers in -127 ... 127 with a scale for each column of B
} ur_precision;

// ---- The table of one instruction set -------------------------------------------------------------------------------

typedef struct ur_kernels {
  const char *name;  // "portable", "avx2", "avx512", "avx512bf16", "neon"
  long width;        // floats in a vector
  long panel;        // columns of a packed panel
  long tile;         // most rows of a register tile

  // Packs B [k, n], element (i, j) at b[i * stride_k + j * stride_n], into panels of `panel` columns, each k x panel,
  // the last one filled up with zeros. `packed` is 64-byte aligned and holds ur_packed_count(table, k, n) floats.
  void (*pack)(long k, long n, const float *b, long stride_k, long stride_n, float *packed);

  // C [m, n] = D + A [m, k] * B, B packed. D is read with row distance ldd: 0 adds one row (a bias) to all, D == C with
  // ldd == ldc adds to C in place, NULL is zero. Fast strides are no multiples of 1024 floats (one cache set).
  void (*product)(long m, long n, long k, const float *a, long lda, const float *packed, const float *d, long ldd,
                  float *c, long ldc);

  // The same with both matrices rounded, B when it is packed, A by the product, in the same way in all tables. Packed
  // it takes ur_packed_count(table, depth, n) floats, and column j of a panel's beginning stands at j * depth, where
  // depth is ur_packed_depth(precision, k).
  // bf16: both to the nearest, ties to even; products and sums are float32 (denormal numbers may count as zero).
  // int8: in each 1024 rows of B, a column's largest value becomes 127, and a row of A is spread over 0 ... 255 between
  // its smallest and its largest value; sums are exact. A row or column that holds an infinity or NaN gives NaN.
  void (*pack_bf16)(long k, long n, const float *b, long stride_k, long stride_n, float *packed);
  void (*product_bf16)(long m, long n, long k, const float *a, long lda, const float *packed, const float *d, long ldd,
                       float *c, long ldc);
  void (*pack_int8)(long k, long n, const float *b, long stride_k, long stride_n, float *packed);
  void (*product_int8)(long m, long n, long k, const float *a, long lda, const float *packed, const float *d, long ldd,
                       float *c, long ldc);

  // C [m, n] = (accumulate ? C : 0) + sum over segments of A' * B: m columns of A's rows, n columns of B's.
  // Sums over rows in the order of the segments. `sums`, if not NULL, gets the sums of A's m columns added, as by
  // column_sum. `scratch` holds ur_outer_scratch(table, n) floats, 64-byte aligned.
  void (*outer)(long m, long n, const ur_segment *segments, long segment_count, long lda, long ldb, float *c, long ldc,
                bool accumulate, float *sums, float *scratch);
  long outer_scratch;

  // Runs a program for rows x columns values. `scratch` holds temporaries * UR_TILE floats, 64-byte aligned. An operand
  // may be read and written in place (same base and stride); other overlaps are not allowed.
  void (*pointwise)(const ur_instruction *code, long count, const ur_operand *operands, long operand_count, long rows,
                    long columns, float *scratch);

  // The recurrence state = a * state + b over `steps` rows of a and b, which are `lda` and `ldb` floats apart: negative
  // ones go backwards, 0 repeats a row. `before` and `after`, where they are not NULL, get the state before and after
  // each step. A column is computed alike whatever columns are computed with it.
  void (*scan)(long steps, long columns, const float *a, long lda, const float *b, long ldb, float *state,
               float *before, long ld_before, float *after, long ld_after);

  // Rows of `x` to probabilities (softmax) or their logarithms. In place is allowed.
  void (*softmax)(long rows, long columns, const float *x, long ldx, float *y, long ldy);
  void (*log_softmax)(long rows, long columns, const float *x, long ldx, float *y, long ldy);
  // losses[row] = -log softmax(x)[row, target]; y (may alias x) receives the probabilities. Targets must be in range;
  // a negative target gives loss 0 and a row of zeros in y, so that its gradient is zero.
  void (*cross_entropy)(long rows, long columns, const float *x, long ldx, const int32_t *targets, float *losses,
                        float *y, long ldy);
  // gradient[row, j] = scale[row] * (y[row, j] - (j == target)); zero where the target is negative. In place allowed.
  void (*cross_entropy_gradient)(long rows, long columns, const float *y, long ldy, const int32_t *targets,
                                 const float *scale, float *gradient, long ldg);
  // The same for rows that come in pieces of columns. tops[row] is the largest value so far and sums[row] the sum of
  // exp(x - tops[row]); they begin as -infinity and 0.
  void (*exp_sums)(long rows, long columns, const float *x, long ldx, float *tops, float *sums);
  // gradient[row, j] = scale[row] * (exp(x[row, j] - tops[row]) / sums[row] - (first + j == target)) for the piece that
  // begins at column `first`; zero where the target is negative. In place allowed.
  void (*scores_gradient)(long rows, long columns, const float *x, long ldx, const int32_t *targets, long first,
                          const float *tops, const float *sums, const float *scale, float *gradient, long ldg);

  // Sums. column_sum: out[j] = (accumulate ? out[j] : 0) + sum over rows, in row order. row_sum: out[row * ldo] = sum
  // of the row.
  void (*column_sum)(long rows, long columns, const float *x, long ldx, float *out, bool accumulate);
  void (*row_sum)(long rows, long columns, const float *x, long ldx, float *out, long ldo);
  // y = (x - mean) / sqrt(variance + epsilon) of each row, and the gradient d of x from that of y, g. In place allowed.
  void (*normalize)(long rows, long columns, const float *x, long ldx, float epsilon, float *y, long ldy);
  void (*normalize_gradient)(long rows, long columns, const float *x, long ldx, const float *g, long ldg, float epsilon,
                             float *d, long ldd);
  double (*sum)(long count, const float *x);
  double (*sum_of_squares)(long count, const float *x);

  // A matrix for each row, m [rows, p, q]: times a vector for each row, y = m * v [rows, p]; from the left,
  // y = u' * m [rows, q]; and m = d + u * v', where d may be m and NULL is zero.
  void (*matrices_times_vectors)(long rows, long p, long q, const float *m, long ldm, const float *v, long ldv,
                                 float *y, long ldy);
  void (*vectors_times_matrices)(long rows, long p, long q, const float *m, long ldm, const float *u, long ldu,
                                 float *y, long ldy);
  void (*vectors_outer)(long rows, long p, long q, const float *u, long ldu, const float *v, long ldv, const float *d,
                        long ldd, float *m, long ldm);

  void (*transpose)(long rows, long columns, const float *x, long ldx, float *y, long ldy);  // y [columns, rows]

  // Optimiser updates in one pass. g is multiplied by gradient_scale first. Adam (Kingma & Ba 2015), corrections are
  // 1 / (1 - beta^step); `coupled_decay` adds decay * w to g (L2), `decoupled_decay` subtracts
  // rate * decay * w (AdamW).
  void (*adam)(long count, float *w, const float *g, float *m, float *v, float gradient_scale, float rate, float beta1,
               float beta2, float epsilon, float correction1, float correction2, float coupled_decay,
               float decoupled_decay);
  // v = momentum * v + (g + decay * w); w -= rate * (nesterov ? g + momentum * v : v). v may be NULL if momentum is 0.
  void (*sgd)(long count, float *w, const float *g, float *v, float gradient_scale, float rate, float momentum,
              bool nesterov, float decay);

  // For measurements: independent multiply-adds and nothing else; returns a value that depends on all of them. A round
  // is fma_flops_per_round operations, multiply and add counted as two.
  float (*fma_burst)(long rounds);
  double fma_flops_per_round;
  // The LSTM's gate arithmetic as one hand-written pass: the measure for pointwise programs. gates [rows, 4 hidden]
  // (f, i, o, candidate), cell and hidden [rows, hidden], updated in place.
  void (*lstm_gates)(long rows, long hidden, const float *gates, float *cell, float *hidden_out);
} ur_kernels;

// The table in use: the best that this CPU and its operating system support, or a lower one named by the environment
// variable UNROLL_ISA (portable, avx2, avx512, avx512bf16, neon), read once. An unknown or unsupported name stops the
// program with a message and exit code 64.
const ur_kernels *ur_active_kernels(void);
// Every table that this machine can run, portable first. Returns their number; fills at most `capacity`.
long ur_available_kernels(const ur_kernels **tables, long capacity);

long ur_packed_count(const ur_kernels *table, long k, long n);
// The k that ur_packed_count takes for a precision: words of 32 bits for each column.
long ur_packed_depth(ur_precision precision, long k);
long ur_outer_scratch(const ur_kernels *table, long n);

// ---- What needs no instruction set ----------------------------------------------------------------------------------

// out[i, :] = table[indices[i], :]
void ur_gather_rows(long count, long columns, const int32_t *indices, const float *table, long ldt, float *out,
                    long ldo);
// out[indices[i], :] += x[i, :], in the order of i
void ur_scatter_add_rows(long count, long columns, const int32_t *indices, const float *x, long ldx, float *out,
                         long ldo);

// Counter-based random numbers (Philox 4x32-10, Salmon et al. 2011): number i depends on seed, stream and i alone.
// Uniform in [0, 1), 24 bits.
void ur_random_uniform(uint64_t seed, uint64_t stream, uint64_t first, long count, float *out);
// 0 with probability `rate`, else `kept`.
void ur_random_mask(uint64_t seed, uint64_t stream, uint64_t first, long count, float rate, float kept, float *out);
// 32 bits, in the low half.
uint64_t ur_random_bits(uint64_t seed, uint64_t stream, uint64_t position);
// One block of the generator. The counter of number i is (i / 4, stream), each low word first; its word is i % 4.
void ur_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

// ---- Worker threads -------------------------------------------------------------------------------------------------
// Started at the first use, once; they sleep when there is nothing to do. `body(context, index)` runs for every index
// in 0 ..< count, on the calling thread too; returns when all are done. A call from inside a body runs serially.
void ur_parallel(long count, void (*body)(void *context, long index), void *context);
// Runs `body` on several threads at the same time, each one member of a team: for work that meets at barriers. The team
// has ur_thread_count() members, 64 at most, or a single one inside another body or while another caller has the
// threads.
void ur_team(void (*body)(void *context, long member, long members), void *context);
// The same for work of microseconds, which waking a thread would outlast: only when all threads are awake and free and
// the team has exactly `members` members (the caller has scratch for so many, and the number of threads may change at
// any time), else it does nothing and returns false. `rouse` wakes them for the next time; they stay awake for some
// tens of microseconds.
bool ur_team_if_awake(
    long members, void (*body)(void *context, long member, long members), void *context, bool rouse);
// Where the members of the running team meet: nobody leaves before all have come.
void ur_meet(long member, long members);
// Threads that ur_parallel uses, at least 1; the default is the number of cores available to the process (its
// affinity).
long ur_thread_count(void);
void ur_set_thread_count(long count);

#ifdef __cplusplus
}
#endif
#endif
