#pragma once

#include <ATen/core/Tensor.h>

namespace sft {

// silu(gate) * up with silu(g) = g / (1 + e^-g) (Shazeer, "GLU Variants Improve Transformer",
// 2020). gate, up: [rows, width], float32 or bf16. Arithmetic in float32, rounded once.
// Differentiable in both; keeps only its inputs for the backward pass.
at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up);

// The same out of LibTorch's own operations; runs on any device.
at::Tensor swiglu_plain(const at::Tensor& gate, const at::Tensor& up);

}  // namespace sft
