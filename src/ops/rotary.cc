#include "sft/ops/rotary.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/sin.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/cpu_kernels.h"

namespace sft {
namespace {

using at::Tensor;

constexpr int64_t kTokensPerTask = 16;

template <typename T>
void rotate_all(const Tensor& x, const Tensor& y, const Tensor& positions, const Tensor& cos,
                const Tensor& sin, float sign) {
  const int64_t heads = x.size(1);
  const int64_t half = x.size(2) / 2;
  const auto* const x_data = elements<T>(x);
  auto* const y_data = mutable_elements<T>(y);
  const auto* const position = positions.const_data_ptr<int64_t>();
  const auto* const cos_data = cos.const_data_ptr<float>();
  const auto* const sin_data = sin.const_data_ptr<float>();
  at::parallel_for(0, x.size(0), kTokensPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t token = begin; token < end; ++token) {
      const int64_t offset = token * heads * 2 * half;
      element_kernels<T>().rotate(x_data + offset, y_data + offset,
                                  cos_data + position[token] * half,
                                  sin_data + position[token] * half, heads, half, sign);
    }
  });
}

Tensor rotated(const Tensor& x, const Tensor& positions, const Tensor& cos, const Tensor& sin,
               float sign) {
  Tensor y = at::empty_like(x);
  if (x.scalar_type() == at::kBFloat16) {
    rotate_all<Bf16>(x, y, positions, cos, sin, sign);
  } else {
    rotate_all<float>(x, y, positions, cos, sin, sign);
  }
  return y;
}

class RotaryFunction : public torch::autograd::Function<RotaryFunction> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x,
                        const Tensor& positions, const Tensor& cos, const Tensor& sin) {
    context->save_for_backward({positions, cos, sin});
    return rotated(x, positions, cos, sin, 1);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    return {rotated(grads[0].contiguous(), saved[0], saved[1], saved[2], -1), Tensor(), Tensor(),
            Tensor()};
  }
};

}  // namespace

RotaryTable make_rotary_table(const Tensor& inverse_frequencies, int64_t num_positions) {
  const Tensor positions = at::arange(num_positions, inverse_frequencies.options());
  const Tensor angles = at::outer(positions, inverse_frequencies);  // [positions, head_dim / 2]
  return {at::cos(angles), at::sin(angles)};
}

Tensor apply_rotary_plain(const Tensor& x, const Tensor& positions, const RotaryTable& table) {
  const int64_t half = x.size(2) / 2;
  const Tensor cos = table.cos.index_select(0, positions).unsqueeze(1);  // [tokens, 1, half]
  const Tensor sin = table.sin.index_select(0, positions).unsqueeze(1);
  const Tensor wide = x.to(at::kFloat);
  const Tensor first = wide.slice(2, 0, half);
  const Tensor second = wide.slice(2, half);
  return at::cat({first * cos - second * sin, second * cos + first * sin}, 2).to(x.scalar_type());
}

Tensor apply_rotary(const Tensor& x, const Tensor& positions, const RotaryTable& table) {
  if (!has_cpu_kernels(x)) {
    return apply_rotary_plain(x, positions, table);
  }
  return RotaryFunction::apply(x.contiguous(), positions, table.cos, table.sin);
}

}  // namespace sft
