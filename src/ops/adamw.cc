#include "sft/ops/adamw.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/Parallel.h>

#include "ops/cpu_kernels.h"

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr int64_t kElementsPerTask = 1 << 16;

template <typename T>
void update_all(const AdamwParameter& parameter, const AdamwFactors& factors) {
  auto* const weight = mutable_elements<T>(parameter.weight);
  auto* const master = parameter.master.mutable_data_ptr<float>();
  auto* const mean = parameter.mean.mutable_data_ptr<float>();
  auto* const square_mean = parameter.square_mean.mutable_data_ptr<float>();
  auto* const gradient = parameter.gradient.mutable_data_ptr<float>();
  at::parallel_for(0, parameter.master.numel(), kElementsPerTask, [&](int64_t begin, int64_t end) {
    element_kernels<T>().adamw(weight + begin, master + begin, mean + begin, square_mean + begin,
                               gradient + begin, end - begin, factors);
  });
}

template <typename T>
void add_all(const at::Tensor& into, const at::Tensor& gradient) {
  auto* const sum = into.mutable_data_ptr<float>();
  const auto* const addend = elements<T>(gradient);
  at::parallel_for(0, into.numel(), kElementsPerTask, [&](int64_t begin, int64_t end) {
    element_kernels<T>().add(sum + begin, addend + begin, end - begin);
  });
}

}  // namespace

void adamw_step(const AdamwParameter& parameter, const AdamwSettings& settings,
                double gradient_scale) {
  SFT_CHECK(parameter.master.is_cpu());
  const auto step = static_cast<double>(settings.step);
  const double correction1 = 1 - std::pow(settings.beta1, step);
  const double correction2 = 1 - std::pow(settings.beta2, step);
  const AdamwFactors factors = {
      .decay = static_cast<float>(1 - settings.learning_rate * settings.weight_decay),
      .beta1 = static_cast<float>(settings.beta1),
      .beta2 = static_cast<float>(settings.beta2),
      .rest1 = static_cast<float>(1 - settings.beta1),
      .rest2 = static_cast<float>(1 - settings.beta2),
      .step_size = static_cast<float>(settings.learning_rate / correction1),
      .root_scale = static_cast<float>(1 / std::sqrt(correction2)),
      .eps = static_cast<float>(settings.eps),
      .gradient_scale = static_cast<float>(gradient_scale)};
  if (parameter.weight.scalar_type() == at::kBFloat16) {
    update_all<Bf16>(parameter, factors);
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
            cpu_kernels().sum_of_squares(data + first, std::min(kElementsPerTask, count - first));
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
    add_all<Bf16>(into, addend);
  } else {
    add_all<float>(into, addend);
  }
}

}  // namespace sft
