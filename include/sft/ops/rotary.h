#pragma once

#include <ATen/core/Tensor.h>

namespace sft {

// Cosines and sines of a rotary position embedding (Su et al., "RoFormer", 2021) in the layout of
// Hugging Face's models: pairs are (i, i + head_dim / 2). Both [positions, head_dim / 2], float32.
struct RotaryTable {
  at::Tensor cos;
  at::Tensor sin;
};

// inverse_frequencies: [head_dim / 2], float32. Angles are float32 products, as in transformers.
RotaryTable make_rotary_table(const at::Tensor& inverse_frequencies, int64_t num_positions);

// Rotates each head by the angle of its token's position. x: [tokens, heads, head_dim], float32 or
// bf16; positions: [tokens], int64, below the table's length. Arithmetic in float32, rounded once.
// Differentiable in x.
at::Tensor apply_rotary(const at::Tensor& x, const at::Tensor& positions, const RotaryTable& table);

// The same out of LibTorch's own operations; runs on any device.
at::Tensor apply_rotary_plain(const at::Tensor& x, const at::Tensor& positions,
                              const RotaryTable& table);

}  // namespace sft
