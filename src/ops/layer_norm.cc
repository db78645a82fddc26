#include "sft/ops/layer_norm.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/rsqrt.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/cpu_kernels.h"

namespace sft {
namespace {

using at::Tensor;

// A row is some thousand elements; fewer than this many rows are not worth another thread.
constexpr int64_t kRowsPerTask = 16;

// moments: [rows, 2], each row's mean and 1 / deviation.
template <typename T>
void forward_all(const Tensor& x, const Tensor& y, const Tensor& moments, double eps) {
  const int64_t width = x.size(1);
  const auto* const x_data = elements<T>(x);
  auto* const y_data = mutable_elements<T>(y);
  auto* const moment_data = moments.mutable_data_ptr<float>();
  at::parallel_for(0, x.size(0), kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      element_kernels<T>().layer_forward(x_data + row * width, y_data + row * width,
                                         moment_data + 2 * row, width, static_cast<float>(eps));
    }
  });
}

template <typename T>
void backward_all(const Tensor& x, const Tensor& moments, const Tensor& dy, const Tensor& dx) {
  const int64_t width = x.size(1);
  const auto* const x_data = elements<T>(x);
  const auto* const dy_data = elements<T>(dy);
  const auto* const moment_data = moments.const_data_ptr<float>();
  auto* const dx_data = mutable_elements<T>(dx);
  at::parallel_for(0, x.size(0), kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      element_kernels<T>().layer_backward(x_data + row * width, dy_data + row * width,
                                          dx_data + row * width, moment_data + 2 * row, width);
    }
  });
}

class LayerNormFunction : public torch::autograd::Function<LayerNormFunction> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x, double eps) {
    Tensor y = at::empty_like(x);
    Tensor moments = at::empty({x.size(0), 2}, x.options().dtype(at::kFloat));
    if (x.scalar_type() == at::kBFloat16) {
      forward_all<Bf16>(x, y, moments, eps);
    } else {
      forward_all<float>(x, y, moments, eps);
    }
    context->save_for_backward({x, moments});
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const Tensor dy = grads[0].contiguous();
    Tensor dx = at::empty_like(dy);
    if (dy.scalar_type() == at::kBFloat16) {
      backward_all<Bf16>(saved[0], saved[1], dy, dx);
    } else {
      backward_all<float>(saved[0], saved[1], dy, dx);
    }
    return {dx, Tensor()};
  }
};

}  // namespace

Tensor layer_norm_plain(const Tensor& x, double eps) {
  const Tensor wide = x.to(at::kFloat);
  const Tensor centred = wide - wide.mean(-1, /*keepdim=*/true);
  const Tensor scale = at::rsqrt(centred.square().mean(-1, /*keepdim=*/true) + eps);
  return (centred * scale).to(x.scalar_type());
}

Tensor layer_norm(const Tensor& x, double eps) {
  if (!has_cpu_kernels(x)) {
    return layer_norm_plain(x, eps);
  }
  return LayerNormFunction::apply(x.contiguous(), eps);
}

}  // namespace sft
