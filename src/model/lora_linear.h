#pragma once

#include <ATen/core/Tensor.h>

#include "sft/model/linear_site.h"

namespace sft {

// The layer of a site that has an adapter: x W^T + b + scale dropout(x) A^T B^T. x: [tokens, in],
// of the weight's type; the adapter is rounded to that type, its gradients are float32.
// Differentiable in x, A and B; the layer's own weight and bias are frozen. Only x and the thin
// product x A^T are kept for the backward pass: masks are drawn again.
at::Tensor lora_forward(const LinearSite& site, const at::Tensor& x);

}  // namespace sft
