#include "sft/ops/gated_activation.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/sigmoid.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/cpu_kernels.h"

namespace sft {
namespace {

using at::Tensor;

constexpr int64_t kElementsPerTask = 16384;

// An activation's loops, for either type.
struct Swiglu {
  template <typename T>
  static constexpr auto kForward = &ElementKernels<T>::swiglu_forward;
  template <typename T>
  static constexpr auto kBackward = &ElementKernels<T>::swiglu_backward;
};
struct Geglu {
  template <typename T>
  static constexpr auto kForward = &ElementKernels<T>::geglu_forward;
  template <typename T>
  static constexpr auto kBackward = &ElementKernels<T>::geglu_backward;
};

template <typename Activation, typename T>
void forward_all(const Tensor& gate, const Tensor& up, const Tensor& y) {
  const auto* const g = elements<T>(gate);
  const auto* const u = elements<T>(up);
  auto* const out = mutable_elements<T>(y);
  const auto kernel = element_kernels<T>().*Activation::template kForward<T>;
  at::parallel_for(0, gate.numel(), kElementsPerTask, [&](int64_t begin, int64_t end) {
    kernel(g + begin, u + begin, out + begin, end - begin);
  });
}

template <typename Activation, typename T>
void backward_all(const Tensor& gate, const Tensor& up, const Tensor& dy, const Tensor& dgate,
                  const Tensor& dup) {
  const auto* const g = elements<T>(gate);
  const auto* const u = elements<T>(up);
  const auto* const d = elements<T>(dy);
  auto* const dg = mutable_elements<T>(dgate);
  auto* const du = mutable_elements<T>(dup);
  const auto kernel = element_kernels<T>().*Activation::template kBackward<T>;
  at::parallel_for(0, gate.numel(), kElementsPerTask, [&](int64_t begin, int64_t end) {
    kernel(g + begin, u + begin, d + begin, dg + begin, du + begin, end - begin);
  });
}

template <typename Activation>
class GatedFunction : public torch::autograd::Function<GatedFunction<Activation>> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& gate,
                        const Tensor& up) {
    Tensor y = at::empty_like(gate);
    if (gate.scalar_type() == at::kBFloat16) {
      forward_all<Activation, Bf16>(gate, up, y);
    } else {
      forward_all<Activation, float>(gate, up, y);
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
      backward_all<Activation, Bf16>(saved[0], saved[1], dy, dgate, dup);
    } else {
      backward_all<Activation, float>(saved[0], saved[1], dy, dgate, dup);
    }
    return {dgate, dup};
  }
};

}  // namespace

Tensor swiglu_plain(const Tensor& gate, const Tensor& up) {
  const Tensor wide = gate.to(at::kFloat);
  return (wide * at::sigmoid(wide) * up.to(at::kFloat)).to(gate.scalar_type());
}

Tensor geglu_plain(const Tensor& gate, const Tensor& up) {
  return (at::gelu(gate.to(at::kFloat), "tanh") * up.to(at::kFloat)).to(gate.scalar_type());
}

Tensor swiglu(const Tensor& gate, const Tensor& up) {
  if (!has_cpu_kernels(gate)) {
    return swiglu_plain(gate, up);
  }
  return GatedFunction<Swiglu>::apply(gate.contiguous(), up.contiguous());
}

Tensor geglu(const Tensor& gate, const Tensor& up) {
  if (!has_cpu_kernels(gate)) {
    return geglu_plain(gate, up);
  }
  return GatedFunction<Geglu>::apply(gate.contiguous(), up.contiguous());
}

}  // namespace sft
