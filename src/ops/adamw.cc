#include "sft/ops/adamw.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/Parallel.h>

#include "ops/vector_math.h"

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr int64_t kElementsPerTask = 1 << 16;

struct Factors {
  float decay;  // 1 - lr * weight_decay
  float beta1;
  float beta2;
  float step_size;   // lr / (1 - beta1^t)
  float root_scale;  // 1 / sqrt(1 - beta2^t)
  float eps;
  float gradient_scale;
};

template <typename T>
SFT_INLINE void update_range(T* weight, float* master, float* mean, float* square_mean,
                             float* gradient, int64_t count, const Factors& f) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * f.gradient_scale;
    const float m = mean[i] + (1.0F - f.beta1) * (g - mean[i]);
    const float v = square_mean[i] * f.beta2 + (1.0F - f.beta2) * g * g;
    const float p = master[i] * f.decay - f.step_size * m / (std::sqrt(v) * f.root_scale + f.eps);
    mean[i] = m;
    square_mean[i] = v;
    master[i] = p;
    store(weight[i], p);
    gradient[i] = 0;
  }
}

SFT_VECTORIZED void update_of(c10::BFloat16* w, float* p, float* m, float* v, float* g, int64_t n,
                              const Factors& f) {
  update_range(w, p, m, v, g, n, f);
}
SFT_VECTORIZED void update_of(float* w, float* p, float* m, float* v, float* g, int64_t n,
                              const Factors& f) {
  update_range(w, p, m, v, g, n, f);
}

SFT_VECTORIZED double sum_of_squares(const float* x, int64_t count) {
  double sums[8] = {};
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (int64_t j = 0; j < 8; ++j) {
      sums[j] += static_cast<double>(x[i + j]) * static_cast<double>(x[i + j]);
    }
  }
  double sum = 0;
  for (; i < count; ++i) {
    sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  }
  for (const double part : sums) {
    sum += part;
  }
  return sum;
}

template <typename T>
SFT_INLINE void add_range(float* into, const T* gradient, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    into[i] += load(gradient[i]);
  }
}
SFT_VECTORIZED void add_of(float* into, const c10::BFloat16* gradient, int64_t count) {
  add_range(into, gradient, count);
}
SFT_VECTORIZED void add_of(float* into, const float* gradient, int64_t count) {
  add_range(into, gradient, count);
}

template <typename T>
void update_all(const AdamwParameter& parameter, const Factors& factors) {
  auto* const weight = parameter.weight.mutable_data_ptr<T>();
  auto* const master = parameter.master.mutable_data_ptr<float>();
  auto* const mean = parameter.mean.mutable_data_ptr<float>();
  auto* const square_mean = parameter.square_mean.mutable_data_ptr<float>();
  auto* const gradient = parameter.gradient.mutable_data_ptr<float>();
  at::parallel_for(0, parameter.master.numel(), kElementsPerTask, [&](int64_t begin, int64_t end) {
    update_of(weight + begin, master + begin, mean + begin, square_mean + begin, gradient + begin,
              end - begin, factors);
  });
}

template <typename T>
void add_all(const at::Tensor& into, const at::Tensor& gradient) {
  auto* const sum = into.mutable_data_ptr<float>();
  const auto* const addend = gradient.const_data_ptr<T>();
  at::parallel_for(0, into.numel(), kElementsPerTask, [&](int64_t begin, int64_t end) {
    add_of(sum + begin, addend + begin, end - begin);
  });
}

}  // namespace

void adamw_step(const AdamwParameter& parameter, const AdamwSettings& settings,
                double gradient_scale) {
  SFT_CHECK(parameter.master.is_cpu());
  const auto step = static_cast<double>(settings.step);
  const double correction1 = 1 - std::pow(settings.beta1, step);
  const double correction2 = 1 - std::pow(settings.beta2, step);
  const Factors factors = {
      .decay = static_cast<float>(1 - settings.learning_rate * settings.weight_decay),
      .beta1 = static_cast<float>(settings.beta1),
      .beta2 = static_cast<float>(settings.beta2),
      .step_size = static_cast<float>(settings.learning_rate / correction1),
      .root_scale = static_cast<float>(1 / std::sqrt(correction2)),
      .eps = static_cast<float>(settings.eps),
      .gradient_scale = static_cast<float>(gradient_scale)};
  if (parameter.weight.scalar_type() == at::kBFloat16) {
    update_all<c10::BFloat16>(parameter, factors);
  } else {
    update_all<float>(parameter, factors);
  }
}

double global_norm(std::span<const at::Tensor> tensors) {
  double total = 0;
  for (const at::Tensor& tensor : tensors) {
    const auto* const data = tensor.const_data_ptr<float>();
    const int64_t count = tensor.numel();
    const int64_t blocks = (count + kElementsPerTask - 1) / kElementsPerTask;
    // One sum a block, added in their order: the same whatever the number of threads.
    std::vector<double> sums(static_cast<size_t>(blocks));
    at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block) {
        const int64_t first = block * kElementsPerTask;
        sums[static_cast<size_t>(block)] =
            sum_of_squares(data + first, std::min(kElementsPerTask, count - first));
      }
    });
    for (const double sum : sums) {
      total += sum;
    }
  }
  return std::sqrt(total);
}

void accumulate(const at::Tensor& into, const at::Tensor& gradient) {
  SFT_CHECK(into.sizes() == gradient.sizes());
  if (!into.is_cpu()) {
    into.add_(gradient);
    return;
  }
  const at::Tensor addend = gradient.contiguous();
  if (addend.scalar_type() == at::kBFloat16) {
    add_all<c10::BFloat16>(into, addend);
  } else {
    add_all<float>(into, addend);
  }
}

}  // namespace sft
