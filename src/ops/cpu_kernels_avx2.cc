#define SFT_KERNELS avx2_kernels
#include "ops/cpu_kernels_impl.h"
