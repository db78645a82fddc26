#pragma once

#include <ATen/core/Tensor.h>

namespace sft {

// Root mean square norm (Zhang and Sennrich, 2019): y = (w + weight_offset) * x / sqrt(mean(x^2) +
// eps); Gemma stores its weights less 1.
// x: [rows, width], float32 or bf16; weight: [width] of the same type. Arithmetic in float32,
// rounded once. Differentiable in both.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps,
                    double weight_offset = 0);

// The same out of LibTorch's own operations; runs on any device.
at::Tensor rms_norm_plain(const at::Tensor& x, const at::Tensor& weight, double eps,
                          double weight_offset = 0);

}  // namespace sft
