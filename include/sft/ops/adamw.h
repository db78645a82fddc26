#pragma once

#include <cstdint>
#include <span>

#include <ATen/core/Tensor.h>

namespace sft {

// AdamW (Loshchilov and Hutter, 2019) as torch.optim.AdamW computes it.
struct AdamwSettings {
  double learning_rate = 0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
  int64_t step = 1;  // from 1, for the bias corrections
};

// One parameter's tensors: all of one length, contiguous. `master`, `mean`, `square_mean` and
// `gradient` are float32; `weight` is what the model computes with: bf16, or float32 and then the
// master itself.
struct AdamwParameter {
  at::Tensor weight;
  at::Tensor master;
  at::Tensor mean;
  at::Tensor square_mean;
  at::Tensor gradient;
};

// Updates the parameter with `gradient_scale` (of clipping) times its gradient in one pass, writes
// the rounded weight, and sets the gradient to zero.
void adamw_step(const AdamwParameter& parameter, const AdamwSettings& settings,
                double gradient_scale);

// The Euclidean norm over all tensors (float32), summed in float64 in a fixed order.
double global_norm(std::span<const at::Tensor> tensors);

// into += gradient. into: float32; gradient: bf16 or float32, of the same shape.
void accumulate(const at::Tensor& into, const at::Tensor& gradient);

}  // namespace sft
