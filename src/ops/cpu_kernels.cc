#include "ops/cpu_kernels.h"

#include "sft/ops/attention.h"

namespace sft {

const CpuKernels& baseline_kernels();
#ifdef __x86_64__
const CpuKernels& avx2_kernels();
const CpuKernels& avx512_kernels();
#endif

namespace {

const CpuKernels& chosen_kernels() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
      __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0) {
    return avx512_kernels();
  }
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) {
    return avx2_kernels();
  }
#endif
  return baseline_kernels();
}

}  // namespace

const CpuKernels& cpu_kernels() {
  static const CpuKernels& kernels = chosen_kernels();
  return kernels;
}

ScoreFactors factors_of(const AttentionRule& rule) {
  return {.scale = static_cast<float>(rule.scale), .soft_cap = static_cast<float>(rule.soft_cap)};
}

bool has_cpu_kernels(const at::Tensor& tensor) {
  return tensor.is_cpu() &&
         (tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kBFloat16);
}

}  // namespace sft
