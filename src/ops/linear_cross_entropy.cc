#include "sft/ops/linear_cross_entropy.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/cpu_kernels.h"

#include "sft/core/error.h"

namespace sft {
namespace {

using at::Tensor;

// The logits of a chunk take at most this much: large enough that the products run at full speed
// and that few partial gradients of the output matrix are added up.
constexpr int64_t kChunkBytes = int64_t{192} << 20;

int64_t rows_per_chunk(const Tensor& weight) {
  const int64_t row_bytes = weight.size(0) * static_cast<int64_t>(weight.element_size());
  return std::max<int64_t>(16, kChunkBytes / row_bytes);
}

// The summed loss of a chunk (in double, in the rows' order); `logits` become their gradient.
template <typename T>
double chunk_loss(const Tensor& logits, const Tensor& target_ids, const LossRule& rule) {
  const LossFactors factors = {static_cast<float>(rule.scale), static_cast<float>(rule.soft_cap)};
  const int64_t vocab = logits.size(1);
  auto* const data = mutable_elements<T>(logits);
  const auto* const targets = target_ids.const_data_ptr<int64_t>();
  std::vector<float> losses(static_cast<size_t>(logits.size(0)));
  at::parallel_for(0, logits.size(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      losses[static_cast<size_t>(row)] =
          element_kernels<T>().loss_and_gradient(data + row * vocab, vocab, targets[row], factors);
    }
  });
  double sum = 0;
  for (const float loss : losses) {
    sum += loss;
  }
  return sum;
}

class LinearCrossEntropyFunction : public torch::autograd::Function<LinearCrossEntropyFunction> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& hidden,
                        const Tensor& weight, const Tensor& target_index, const Tensor& target_ids,
                        const LossRule& rule, bool wants_gradients) {
    const int64_t num_targets = target_ids.size(0);
    const int64_t chunk = rows_per_chunk(weight);
    const Tensor rows = hidden.index_select(0, target_index);  // [targets, width]
    std::vector<Tensor> drows;
    Tensor dweight;
    double loss = 0;
    for (int64_t begin = 0; begin < num_targets; begin += chunk) {
      const int64_t end = std::min(begin + chunk, num_targets);
      const Tensor part = rows.slice(0, begin, end);
      const Tensor logits = at::mm(part, weight.t());  // [rows of the chunk, vocab]
      const Tensor ids = target_ids.slice(0, begin, end);
      loss += logits.scalar_type() == at::kBFloat16 ? chunk_loss<Bf16>(logits, ids, rule)
                                                    : chunk_loss<float>(logits, ids, rule);
      if (!wants_gradients) {
        continue;
      }
      drows.push_back(at::mm(logits, weight));
      if (weight.requires_grad()) {
        const Tensor part_dweight = at::mm(logits.t(), part);
        if (num_targets <= chunk) {
          dweight = part_dweight;
        } else if (!dweight.defined()) {
          dweight = part_dweight.to(at::kFloat);
        } else {
          dweight.add_(part_dweight);
        }
      }
    }
    Tensor dhidden;
    if (!drows.empty()) {
      dhidden = at::zeros(hidden.sizes(), hidden.options());
      dhidden.index_add_(0, target_index, drows.size() == 1 ? drows[0] : at::cat(drows, 0));
    }
    if (dweight.defined()) {
      dweight = dweight.to(weight.scalar_type());
    }
    context->saved_data["dhidden"] = dhidden;
    context->saved_data["dweight"] = dweight;
    return at::zeros({}, hidden.options().dtype(at::kFloat)).fill_(loss * rule.scale);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    Tensor dhidden = context->saved_data["dhidden"].toTensor();
    Tensor dweight = context->saved_data["dweight"].toTensor();
    context->saved_data.clear();
    // Nearly always 1: the loss itself is what is differentiated.
    if (const double factor = grads[0].item<double>(); factor != 1) {
      dhidden = dhidden * factor;
      dweight = dweight.defined() ? dweight * factor : dweight;
    }
    return {dhidden, dweight, Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

Tensor capped(const Tensor& logits, double soft_cap) {
  return soft_cap == 0 ? logits : at::tanh(logits / soft_cap) * soft_cap;
}

}  // namespace

Tensor linear_cross_entropy_plain(const Tensor& hidden, const Tensor& weight,
                                  const Tensor& target_index, const Tensor& target_ids,
                                  const LossRule& rule) {
  const Tensor logits = at::matmul(hidden.index_select(0, target_index), weight.t());
  const at::ScalarType type = logits.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const Tensor logprobs =
      at::log_softmax(capped(logits.to(type), rule.soft_cap), -1);  // [targets, vocab]
  return -logprobs.gather(1, target_ids.unsqueeze(1)).sum() * rule.scale;
}

Tensor linear_cross_entropy(const Tensor& hidden, const Tensor& weight, const Tensor& target_index,
                            const Tensor& target_ids, const LossRule& rule) {
  if (!has_cpu_kernels(hidden)) {
    return linear_cross_entropy_plain(hidden, weight, target_index, target_ids, rule);
  }
  // Inside `forward` gradients are always off.
  return LinearCrossEntropyFunction::apply(hidden, weight, target_index, target_ids, rule,
                                           at::GradMode::is_enabled());
}

Tensor capped_logits(const Tensor& hidden, const Tensor& weight, double soft_cap) {
  return capped(at::matmul(hidden, weight.t()).to(at::kFloat), soft_cap);
}

TokenLogprobs token_logprobs(const Tensor& hidden, const Tensor& weight, const Tensor& ids,
                             double soft_cap) {
  const at::NoGradGuard no_grad;
  const int64_t chunk = std::max<int64_t>(1, rows_per_chunk(weight) / 4);
  std::vector<Tensor> logprobs;
  std::vector<Tensor> is_greedy;
  for (int64_t begin = 0; begin < ids.size(0); begin += chunk) {
    const int64_t end = std::min(begin + chunk, ids.size(0));
    const Tensor part_ids = ids.slice(0, begin, end);
    const Tensor logits = capped_logits(hidden.slice(0, begin, end), weight, soft_cap);
    const Tensor all = at::log_softmax(logits, -1);
    logprobs.push_back(all.gather(1, part_ids.unsqueeze(1)).squeeze(1));
    is_greedy.push_back(logits.argmax(-1) == part_ids);
  }
  if (logprobs.empty()) {
    return {at::empty({0}, hidden.options().dtype(at::kFloat)),
            at::empty({0}, hidden.options().dtype(at::kBool))};
  }
  return {at::cat(logprobs, 0), at::cat(is_greedy, 0)};
}

}  // namespace sft
