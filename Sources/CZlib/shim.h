// The system's zlib; its own initialisers are macros, which Swift cannot call.
#include <zlib.h>

// window_bits: 15 for zlib's own form, 15 + 16 for gzip, both with the largest window.
static inline int ur_inflate_begin(z_stream *stream, int window_bits) {
  return inflateInit2(stream, window_bits);
}
