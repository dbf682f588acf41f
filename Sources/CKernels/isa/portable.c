// For every machine: vectors of four floats.
#include "../tables.h"

#define UR_NAME portable
#define UR_WIDTH 4
#define UR_PANEL_VECTORS 2
#define UR_TILE_ROWS 4
#include "../bodies/table.inc"
