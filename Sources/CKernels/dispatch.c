#include "unroll_kernels.h"
