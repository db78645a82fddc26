#include "train/product_rate.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>

#include "sft/core/clock.h"

namespace sft {

double measure_product_rate(const ModelShape& shape, int64_t tokens, c10::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  const at::TensorOptions options = at::TensorOptions().dtype(dtype);
  const at::Tensor x = at::ones({tokens, shape.hidden_size}, options);
  const at::Tensor dy = at::ones({tokens, shape.intermediate_size}, options);
  const at::Tensor weight = at::ones({shape.intermediate_size, shape.hidden_size}, options);
  const double flops = 3 * 2.0 * static_cast<double>(tokens) *
                       static_cast<double>(shape.hidden_size) *
                       static_cast<double>(shape.intermediate_size);
  const SystemClock clock;
  const double end = clock.monotonic_seconds() + 0.2;
  double best = 0;
  do {
    const double start = clock.monotonic_seconds();
    at::mm(x, weight.t());  // y = x W^T
    at::mm(dy, weight);     // dx = dy W
    at::mm(dy.t(), x);      // dW = dy^T x
    best = std::max(best, flops / (clock.monotonic_seconds() - start));
  } while (clock.monotonic_seconds() < end);
  return best;
}

}  // namespace sft
