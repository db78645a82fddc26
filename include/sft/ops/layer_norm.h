#pragma once

#include <ATen/core/Tensor.h>

namespace sft {

// Layer norm (Ba, Kiros and Hinton, 2016) without parameters: y = (x - mean(x)) / sqrt(var(x) +
// eps). x: [rows, width], float32 or bf16. Arithmetic in float32, rounded once. Differentiable.
at::Tensor layer_norm(const at::Tensor& x, double eps);

// The same out of LibTorch's own operations; runs on any device.
at::Tensor layer_norm_plain(const at::Tensor& x, double eps);

}  // namespace sft
