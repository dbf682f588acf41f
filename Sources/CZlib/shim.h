// The system's zlib; its own initialisers are macros, which Swift cannot call.
#include <zlib.h>

static inline int ur_inflate_begin(z_stream *stream) {
  return inflateInit2(stream, 15 + 16);  // gzip only, the largest window
}
