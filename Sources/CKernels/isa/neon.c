// Arm, 64 bits: vectors of four floats, 32 registers.
#include "../tables.h"

#if defined(__aarch64__)
#define UR_NAME neon
#define UR_WIDTH 4
#define UR_PANEL_VECTORS 2
#define UR_TILE_ROWS 12
#include "../bodies/table.inc"
#endif
