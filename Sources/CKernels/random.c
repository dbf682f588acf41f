// Philox 4x32-10 (Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011): a block cipher
// over a counter. The counter is (position / 4, stream), the key is the seed; a block yields the numbers of four
// positions.
#include "tables.h"

enum { LANES = 8 };  // blocks that are computed side by side

typedef struct blocks {
  uint32_t word[4][LANES];
} blocks;

static inline __attribute__((always_inline)) void encrypt(blocks *x, const int lanes, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < lanes; i++) {
      uint64_t first = (uint64_t)0xd2511f53u * x->word[0][i], second = (uint64_t)0xcd9e8d57u * x->word[2][i];
      x->word[0][i] = (uint32_t)(second >> 32) ^ x->word[1][i] ^ key0;
      x->word[1][i] = (uint32_t)second;
      x->word[2][i] = (uint32_t)(first >> 32) ^ x->word[3][i] ^ key1;
      x->word[3][i] = (uint32_t)first;
    }
    key0 += 0x9e3779b9u;
    key1 += 0xbb67ae85u;
  }
}

void ur_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  blocks x;
  for (int w = 0; w < 4; w++) x.word[w][0] = counter[w];
  encrypt(&x, 1, key[0], key[1]);
  for (int w = 0; w < 4; w++) out[w] = x.word[w][0];
}

// The numbers of positions 4 * block ..< 4 * (block + LANES).
static void generate(uint64_t seed, uint64_t stream, uint64_t block, uint32_t out[4 * LANES]) {
  blocks x;
  for (int i = 0; i < LANES; i++) {
    x.word[0][i] = (uint32_t)(block + (uint64_t)i);
    x.word[1][i] = (uint32_t)((block + (uint64_t)i) >> 32);
    x.word[2][i] = (uint32_t)stream;
    x.word[3][i] = (uint32_t)(stream >> 32);
  }
  encrypt(&x, LANES, (uint32_t)seed, (uint32_t)(seed >> 32));
  for (int i = 0; i < LANES; i++)
    for (int w = 0; w < 4; w++) out[4 * i + w] = x.word[w][i];
}

uint64_t ur_random_bits(uint64_t seed, uint64_t stream, uint64_t position) {
  const uint64_t block = position / 4;
  const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)};
  const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  uint32_t out[4];
  ur_philox(counter, key, out);
  return out[position % 4];
}

// Calls for the positions first ..< first + count, in pieces: `bits` are those of `length` positions, the first is
// out[0].
#define FOR_PIECES(statement)                                                            \
  while (count > 0) {                                                                    \
    uint32_t buffer[4 * LANES];                                                          \
    generate(seed, stream, first / 4, buffer);                                           \
    const uint32_t *bits = buffer + first % 4;                                           \
    const long room = 4 * LANES - (long)(first % 4), length = count < room ? count : room; \
    for (long i = 0; i < length; i++) out[i] = statement;                                \
    out += length;                                                                       \
    first += (uint64_t)length;                                                           \
    count -= length;                                                                     \
  }

void ur_random_uniform(uint64_t seed, uint64_t stream, uint64_t first, long count, float *out) {
  FOR_PIECES((float)(bits[i] >> 8) * 0x1p-24f)
}

void ur_random_mask(uint64_t seed, uint64_t stream, uint64_t first, long count, float rate, float kept, float *out) {
  FOR_PIECES((float)(bits[i] >> 8) * 0x1p-24f < rate ? 0.0f : kept)
}
