#include "sft/ops/rms_norm.h"

#include <algorithm>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/cpu_kernels.h"

namespace sft {
namespace {

using at::Tensor;

// A row is some thousand elements; fewer than this many rows are not worth another thread.
constexpr int64_t kRowsPerTask = 16;

template <typename T>
void forward_all(const Tensor& x, const Tensor& weight, const Tensor& y, const Tensor& scales,
                 RmsFactors factors) {
  const int64_t width = x.size(1);
  const auto* const x_data = elements<T>(x);
  const auto* const w_data = elements<T>(weight);
  auto* const y_data = mutable_elements<T>(y);
  auto* const scale_data = scales.mutable_data_ptr<float>();
  at::parallel_for(0, x.size(0), kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      scale_data[row] = element_kernels<T>().rms_forward(x_data + row * width, w_data,
                                                         y_data + row * width, width, factors);
    }
  });
}

// `saved`: x, weight, 1 / rms. partial: [parts, width]; each part sums the weight's gradient over
// its own rows.
template <typename T>
void backward_all(const torch::autograd::variable_list& saved, const Tensor& dy, const Tensor& dx,
                  const Tensor& partial, float weight_offset) {
  const int64_t rows = dy.size(0);
  const int64_t width = dy.size(1);
  const int64_t parts = partial.size(0);
  const auto* const x_data = elements<T>(saved[0]);
  const auto* const w_data = elements<T>(saved[1]);
  const auto* const scale_data = saved[2].const_data_ptr<float>();
  const auto* const dy_data = elements<T>(dy);
  auto* const dx_data = mutable_elements<T>(dx);
  auto* const partial_data = partial.mutable_data_ptr<float>();
  at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      for (int64_t row = rows * part / parts; row < rows * (part + 1) / parts; ++row) {
        element_kernels<T>().rms_backward(x_data + row * width, w_data, dy_data + row * width,
                                          dx_data + row * width, partial_data + part * width, width,
                                          {scale_data[row], weight_offset});
      }
    }
  });
}

class RmsNormFunction : public torch::autograd::Function<RmsNormFunction> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x,
                        const Tensor& weight, double eps, double weight_offset) {
    const RmsFactors factors = {static_cast<float>(eps), static_cast<float>(weight_offset)};
    Tensor y = at::empty_like(x);
    Tensor scales = at::empty({x.size(0)}, x.options().dtype(at::kFloat));
    if (x.scalar_type() == at::kBFloat16) {
      forward_all<Bf16>(x, weight, y, scales, factors);
    } else {
      forward_all<float>(x, weight, y, scales, factors);
    }
    context->save_for_backward({x, weight, scales});
    context->saved_data["weight_offset"] = weight_offset;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const Tensor& weight = saved[1];
    const Tensor dy = grads[0].contiguous();
    Tensor dx = at::empty_like(x);
    // A fixed number of partial sums, added in their order: the result does not depend on which
    // thread did which rows.
    const int64_t parts = std::min<int64_t>(x.size(0), 64);
    const Tensor partial = at::zeros({parts, x.size(1)}, x.options().dtype(at::kFloat));
    const auto weight_offset = static_cast<float>(context->saved_data["weight_offset"].toDouble());
    if (x.scalar_type() == at::kBFloat16) {
      backward_all<Bf16>(saved, dy, dx, partial, weight_offset);
    } else {
      backward_all<float>(saved, dy, dx, partial, weight_offset);
    }
    Tensor dweight;
    if (context->needs_input_grad(1)) {
      dweight = partial.sum(0).to(weight.scalar_type());
    }
    return {dx, dweight, Tensor(), Tensor()};
  }
};

}  // namespace

Tensor rms_norm_plain(const Tensor& x, const Tensor& weight, double eps, double weight_offset) {
  const Tensor wide = x.to(at::kFloat);
  const Tensor scale = at::rsqrt(wide.square().mean(-1, /*keepdim=*/true) + eps);
  return (wide * scale * (weight.to(at::kFloat) + weight_offset)).to(x.scalar_type());
}

Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps, double weight_offset) {
  if (!has_cpu_kernels(x)) {
    return rms_norm_plain(x, weight, eps, weight_offset);
  }
  return RmsNormFunction::apply(x.contiguous(), weight.contiguous(), eps, weight_offset);
}

}  // namespace sft
