#define SFT_KERNELS baseline_kernels
#include "ops/cpu_kernels_impl.h"
