#include "train/trainer.h"

#include <cmath>
#include <string>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <torch/csrc/autograd/autograd.h>

#include "sft/core/error.h"
#include "sft/core/format.h"
#include "sft/data/batch_plan.h"
#include "sft/data/packed_batch.h"
#include "sft/model/lora.h"
#include "sft/ops/linear_cross_entropy.h"

namespace sft {
namespace {

using at::Tensor;

// A batch's index vectors as tensors [size], int64, on the model's device.
template <typename Integer>
Tensor index_tensor(const std::vector<Integer>& values, const CausalLm& model) {
  const std::vector<int64_t> wide(values.begin(), values.end());
  return at::from_blob(const_cast<int64_t*>(wide.data()),  // NOLINT: only read, and cloned
                       {static_cast<int64_t>(wide.size())}, at::TensorOptions().dtype(at::kLong))
      .clone()
      .to(model.output_weight().device());
}

// The summed loss over a micro-batch's targets times `scale`; with gradients enabled, also its
// backward pass.
double run_micro_batch(const CausalLm& model, const PackedBatch& batch, Recompute recompute,
                       double scale) {
  PackedAttention pattern(batch.cu_seqlens);
  const PackedTokens tokens = {index_tensor(batch.token_ids, model),
                               index_tensor(batch.positions, model)};
  const Tensor hidden = model.hidden_states(tokens, pattern, recompute);
  const Tensor loss =
      linear_cross_entropy(hidden, model.output_weight(), index_tensor(batch.target_index, model),
                           index_tensor(batch.target_ids, model),
                           {.scale = scale, .soft_cap = model.config().logit_soft_cap});
  if (at::GradMode::is_enabled()) {
    torch::autograd::backward({loss}, {});
  }
  return loss.item<double>();
}

TrainingRows rows_of(std::span<const EncodedSample* const> samples, const PackedBatch& batch,
                     int64_t step) {
  TrainingRows rows = {.step = step, .sample_ids = {}, .cu_seqlens = batch.cu_seqlens};
  for (const EncodedSample* const sample : samples) {
    rows.sample_ids.push_back(sample->id);
  }
  return rows;
}

int64_t count_targets(std::span<const EncodedSample* const> samples) {
  int64_t count = 0;
  for (const EncodedSample* const sample : samples) {
    count += sample->num_targets();
  }
  return count;
}

void check_finite(double value, const char* what, int64_t step) {
  if (!std::isfinite(value)) {
    throw Error("step " + std::to_string(step) + ": the " + what + " is " +
                (std::isnan(value) ? "NaN" : "infinite") +
                "; a lower learning_rate, warm-up or max_grad_norm may keep training stable");
  }
}

}  // namespace

Trainer::Trainer(const CausalLm& model, Optimizer& optimizer, MicroBatching micro_batching)
    : model_(model), optimizer_(optimizer), micro_batching_(micro_batching) {}

std::optional<StepResult> Trainer::step(std::span<const EncodedSample* const> samples,
                                        double learning_rate, int64_t step,
                                        const std::function<bool()>& is_stopped) {
  StepResult result;
  result.num_targets = count_targets(samples);
  for (const EncodedSample* const sample : samples) {
    result.tokens += static_cast<int64_t>(sample->token_ids.size());
  }
  const double scale = 1 / static_cast<double>(result.num_targets);
  for (const auto& micro_batch : split_micro_batches(samples, micro_batching_.max_tokens)) {
    if (is_stopped()) {
      optimizer_.discard_gradients();
      return std::nullopt;
    }
    const PackedBatch batch = pack(micro_batch);
    const TrainingScope scope(model_, rows_of(micro_batch, batch, step));
    result.loss += run_micro_batch(model_, batch, micro_batching_.recompute, scale);
  }
  result.grad_norm = optimizer_.gradient_norm();
  check_finite(result.loss, "loss", step);
  check_finite(result.grad_norm, "gradient norm", step);
  optimizer_.step(learning_rate, step, result.grad_norm);
  return result;
}

double Trainer::evaluate(std::span<const EncodedSample* const> samples) const {
  const at::NoGradGuard no_grad;
  const double scale = 1 / static_cast<double>(count_targets(samples));
  double loss = 0;
  for (const auto& micro_batch : split_micro_batches(samples, micro_batching_.max_tokens)) {
    loss += run_micro_batch(model_, pack(micro_batch), Recompute::kNothing, scale);
  }
  return loss;
}

}  // namespace sft
