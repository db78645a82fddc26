#include "sft/ops/swiglu.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/sigmoid.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/vector_math.h"

namespace sft {
namespace {

using at::Tensor;

constexpr int64_t kElementsPerTask = 16384;

template <typename T>
SFT_INLINE void forward_range(const T* gate, const T* up, T* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = load(gate[i]);
    store(y[i], g / (1.0F + exp_float(-g)) * load(up[i]));
  }
}

template <typename T>
SFT_INLINE void backward_range(const T* gate, const T* up, const T* dy, T* dgate, T* dup,
                               int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = load(gate[i]);
    const float sigmoid = 1.0F / (1.0F + exp_float(-g));
    const float d = load(dy[i]);
    store(dup[i], d * g * sigmoid);
    store(dgate[i], d * load(up[i]) * sigmoid * (1.0F + g * (1.0F - sigmoid)));
  }
}

SFT_VECTORIZED void forward_of(const float* g, const float* u, float* y, int64_t n) {
  forward_range(g, u, y, n);
}
SFT_VECTORIZED void forward_of(const c10::BFloat16* g, const c10::BFloat16* u, c10::BFloat16* y,
                               int64_t n) {
  forward_range(g, u, y, n);
}
SFT_VECTORIZED void backward_of(const float* g, const float* u, const float* dy, float* dg,
                                float* du, int64_t n) {
  backward_range(g, u, dy, dg, du, n);
}
SFT_VECTORIZED void backward_of(const c10::BFloat16* g, const c10::BFloat16* u,
                                const c10::BFloat16* dy, c10::BFloat16* dg, c10::BFloat16* du,
                                int64_t n) {
  backward_range(g, u, dy, dg, du, n);
}

template <typename T>
void forward_all(const Tensor& gate, const Tensor& up, const Tensor& y) {
  const auto* const g = gate.const_data_ptr<T>();
  const auto* const u = up.const_data_ptr<T>();
  auto* const out = y.mutable_data_ptr<T>();
  at::parallel_for(0, gate.numel(), kElementsPerTask, [&](int64_t begin, int64_t end) {
    forward_of(g + begin, u + begin, out + begin, end - begin);
  });
}

template <typename T>
void backward_all(const Tensor& gate, const Tensor& up, const Tensor& dy, const Tensor& dgate,
                  const Tensor& dup) {
  const auto* const g = gate.const_data_ptr<T>();
  const auto* const u = up.const_data_ptr<T>();
  const auto* const d = dy.const_data_ptr<T>();
  auto* const dg = dgate.mutable_data_ptr<T>();
  auto* const du = dup.mutable_data_ptr<T>();
  at::parallel_for(0, gate.numel(), kElementsPerTask, [&](int64_t begin, int64_t end) {
    backward_of(g + begin, u + begin, d + begin, dg + begin, du + begin, end - begin);
  });
}

class SwigluFunction : public torch::autograd::Function<SwigluFunction> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& gate,
                        const Tensor& up) {
    Tensor y = at::empty_like(gate);
    if (gate.scalar_type() == at::kBFloat16) {
      forward_all<c10::BFloat16>(gate, up, y);
    } else {
      forward_all<float>(gate, up, y);
    }
    context->save_for_backward({gate, up});
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const Tensor dy = grads[0].contiguous();
    Tensor dgate = at::empty_like(saved[0]);
    Tensor dup = at::empty_like(saved[1]);
    if (dy.scalar_type() == at::kBFloat16) {
      backward_all<c10::BFloat16>(saved[0], saved[1], dy, dgate, dup);
    } else {
      backward_all<float>(saved[0], saved[1], dy, dgate, dup);
    }
    return {dgate, dup};
  }
};

}  // namespace

Tensor swiglu_plain(const Tensor& gate, const Tensor& up) {
  const Tensor wide = gate.to(at::kFloat);
  return (wide * at::sigmoid(wide) * up.to(at::kFloat)).to(gate.scalar_type());
}

Tensor swiglu(const Tensor& gate, const Tensor& up) {
  const bool has_kernel =
      gate.is_cpu() && (gate.scalar_type() == at::kFloat || gate.scalar_type() == at::kBFloat16);
  if (!has_kernel) {
    return swiglu_plain(gate, up);
  }
  return SwigluFunction::apply(gate.contiguous(), up.contiguous());
}

}  // namespace sft
