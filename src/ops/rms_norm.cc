#include "sft/ops/rms_norm.h"

#include <cmath>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/vector_math.h"

namespace sft {
namespace {

using at::Tensor;

// A row is some thousand elements; fewer than this many rows are not worth another thread.
constexpr int64_t kRowsPerTask = 16;

template <typename T>
SFT_INLINE float sum_of_squares(const T* x, int64_t width) {
  // Sixteen sums side by side: a single one would make each addition wait for the last.
  float sums[16] = {};
  int64_t i = 0;
  for (; i + 16 <= width; i += 16) {
    for (int64_t j = 0; j < 16; ++j) {
      const float value = load(x[i + j]);
      sums[j] += value * value;
    }
  }
  float sum = 0;
  for (; i < width; ++i) {
    sum += load(x[i]) * load(x[i]);
  }
  for (const float part : sums) {
    sum += part;
  }
  return sum;
}

// One row forward; returns 1 / rms.
template <typename T>
SFT_INLINE float forward_row(const T* x, const T* weight, T* y, int64_t width, float eps) {
  const float scale = 1.0F / std::sqrt(sum_of_squares(x, width) / static_cast<float>(width) + eps);
  for (int64_t i = 0; i < width; ++i) {
    store(y[i], load(weight[i]) * (load(x[i]) * scale));
  }
  return scale;
}

// One row backward: with n = x * scale, dw += dy * n and dx = scale * (w dy - n * mean(w dy n)).
template <typename T>
SFT_INLINE void backward_row(const T* x, const T* weight, const T* dy, T* dx, float* dweight,
                             int64_t width, float scale) {
  float sums[16] = {};
  int64_t i = 0;
  for (; i + 16 <= width; i += 16) {
    for (int64_t j = 0; j < 16; ++j) {
      sums[j] += load(weight[i + j]) * load(dy[i + j]) * load(x[i + j]);
    }
  }
  float sum = 0;
  for (; i < width; ++i) {
    sum += load(weight[i]) * load(dy[i]) * load(x[i]);
  }
  for (const float part : sums) {
    sum += part;
  }
  const float mean = sum * scale / static_cast<float>(width);
  for (i = 0; i < width; ++i) {
    const float normed = load(x[i]) * scale;
    dweight[i] += load(dy[i]) * normed;
    store(dx[i], scale * (load(weight[i]) * load(dy[i]) - normed * mean));
  }
}

SFT_VECTORIZED float forward_row_of(const float* x, const float* w, float* y, int64_t n, float e) {
  return forward_row(x, w, y, n, e);
}
SFT_VECTORIZED float forward_row_of(const c10::BFloat16* x, const c10::BFloat16* w,
                                    c10::BFloat16* y, int64_t n, float e) {
  return forward_row(x, w, y, n, e);
}
SFT_VECTORIZED void backward_row_of(const float* x, const float* w, const float* dy, float* dx,
                                    float* dw, int64_t n, float scale) {
  backward_row(x, w, dy, dx, dw, n, scale);
}
SFT_VECTORIZED void backward_row_of(const c10::BFloat16* x, const c10::BFloat16* w,
                                    const c10::BFloat16* dy, c10::BFloat16* dx, float* dw,
                                    int64_t n, float scale) {
  backward_row(x, w, dy, dx, dw, n, scale);
}

template <typename T>
void forward_all(const Tensor& x, const Tensor& weight, const Tensor& y, const Tensor& scales,
                 double eps) {
  const int64_t width = x.size(1);
  const auto* const x_data = x.const_data_ptr<T>();
  const auto* const w_data = weight.const_data_ptr<T>();
  auto* const y_data = y.mutable_data_ptr<T>();
  auto* const scale_data = scales.mutable_data_ptr<float>();
  at::parallel_for(0, x.size(0), kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      scale_data[row] = forward_row_of(x_data + row * width, w_data, y_data + row * width, width,
                                       static_cast<float>(eps));
    }
  });
}

// `saved`: x, weight, 1 / rms. partial: [parts, width]; each part sums the weight's gradient over
// its own rows.
template <typename T>
void backward_all(const torch::autograd::variable_list& saved, const Tensor& dy, const Tensor& dx,
                  const Tensor& partial) {
  const int64_t rows = dy.size(0);
  const int64_t width = dy.size(1);
  const int64_t parts = partial.size(0);
  const auto* const x_data = saved[0].const_data_ptr<T>();
  const auto* const w_data = saved[1].const_data_ptr<T>();
  const auto* const scale_data = saved[2].const_data_ptr<float>();
  const auto* const dy_data = dy.const_data_ptr<T>();
  auto* const dx_data = dx.mutable_data_ptr<T>();
  auto* const partial_data = partial.mutable_data_ptr<float>();
  at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      for (int64_t row = rows * part / parts; row < rows * (part + 1) / parts; ++row) {
        backward_row_of(x_data + row * width, w_data, dy_data + row * width, dx_data + row * width,
                        partial_data + part * width, width, scale_data[row]);
      }
    }
  });
}

class RmsNormFunction : public torch::autograd::Function<RmsNormFunction> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x,
                        const Tensor& weight, double eps) {
    Tensor y = at::empty_like(x);
    Tensor scales = at::empty({x.size(0)}, x.options().dtype(at::kFloat));
    if (x.scalar_type() == at::kBFloat16) {
      forward_all<c10::BFloat16>(x, weight, y, scales, eps);
    } else {
      forward_all<float>(x, weight, y, scales, eps);
    }
    context->save_for_backward({x, weight, scales});
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
    if (x.scalar_type() == at::kBFloat16) {
      backward_all<c10::BFloat16>(saved, dy, dx, partial);
    } else {
      backward_all<float>(saved, dy, dx, partial);
    }
    Tensor dweight;
    if (context->needs_input_grad(1)) {
      dweight = partial.sum(0).to(weight.scalar_type());
    }
    return {dx, dweight, Tensor()};
  }
};

bool has_kernel(const Tensor& x) {
  return x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

}  // namespace

Tensor rms_norm_plain(const Tensor& x, const Tensor& weight, double eps) {
  const Tensor wide = x.to(at::kFloat);
  const Tensor scale = at::rsqrt(wide.square().mean(-1, /*keepdim=*/true) + eps);
  return (wide * scale * weight.to(at::kFloat)).to(x.scalar_type());
}

Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) {
  if (!has_kernel(x)) {
    return rms_norm_plain(x, weight, eps);
  }
  return RmsNormFunction::apply(x.contiguous(), weight.contiguous(), eps);
}

}  // namespace sft
