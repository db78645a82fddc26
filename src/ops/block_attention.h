#pragma once

#include <span>

#include <ATen/core/Tensor.h>

#include "sft/ops/attention.h"

namespace sft {

// `attention` on the CPU: scores of a block of queries are held at a time, over the keys alone that
// the block sees, so that memory and, with a window, arithmetic grow with the tokens and not with
// their square. The products are oneDNN's; LibTorch's own kernel, whose products are MKL's, knows
// neither caps nor windows and trains SmolLM2-135M at 0.86 of the speed (samples of 100 to 2,000
// tokens, a processor without AMX). float32 or bf16. Differentiable; the backward pass computes the
// scores again.
at::Tensor block_attention(const at::Tensor& queries, const at::Tensor& keys,
                           const at::Tensor& values, std::span<const int32_t> cu_seqlens,
                           const AttentionRule& rule);

}  // namespace sft
