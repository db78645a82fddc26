#define SFT_KERNELS avx512_kernels
#include "ops/cpu_kernels_impl.h"
