#pragma once

#include <ATen/core/Tensor.h>

namespace sft {

// act(gate) * up (Shazeer, "GLU Variants Improve Transformer", 2020). gate, up: [rows, width],
// float32 or bf16. Arithmetic in float32, rounded once. Differentiable in both; keeps only its
// inputs for the backward pass.

// silu(g) = g / (1 + e^-g).
at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up);
// gelu(g) = g / 2 (1 + tanh(sqrt(2 / pi) (g + 0.044715 g^3))), the approximation by tanh.
at::Tensor geglu(const at::Tensor& gate, const at::Tensor& up);

// The same out of LibTorch's own operations; runs on any device.
at::Tensor swiglu_plain(const at::Tensor& gate, const at::Tensor& up);
at::Tensor geglu_plain(const at::Tensor& gate, const at::Tensor& up);

}  // namespace sft
