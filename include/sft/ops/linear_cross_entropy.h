#pragma once

#include <ATen/core/Tensor.h>

namespace sft {

// How logits become a loss.
struct LossRule {
  double scale = 1;
  double soft_cap = 0;  // logits become soft_cap * tanh(logit / soft_cap); 0: they stay
};

// The sum of the losses (nats) -log softmax(weight . hidden[target_index[i]])[target_ids[i]],
// times `rule.scale`, as a float32 scalar. Logits are never held for more than a chunk of the
// targets.
//   hidden: [tokens, width]; weight: [vocab, width], both float32 or bf16; target_index,
//   target_ids: [targets], int64.
// Softmax and sum are float32. Differentiable in hidden and weight: the gradients are computed with
// the loss, which is why the scale (one over the targets of the whole step) must be given here.
at::Tensor linear_cross_entropy(const at::Tensor& hidden, const at::Tensor& weight,
                                const at::Tensor& target_index, const at::Tensor& target_ids,
                                const LossRule& rule);

// The same out of LibTorch's own operations, all logits at once; runs on any device.
at::Tensor linear_cross_entropy_plain(const at::Tensor& hidden, const at::Tensor& weight,
                                      const at::Tensor& target_index, const at::Tensor& target_ids,
                                      const LossRule& rule);

// What scoring asks of a model: log-probabilities of given tokens, and whether each is the most
// probable one (the lowest id among equals).
struct TokenLogprobs {
  at::Tensor logprobs;   // [rows], float32, nats
  at::Tensor is_greedy;  // [rows], bool
};

// hidden: [rows, width], weight: [vocab, width], ids: [rows], int64; soft_cap as in LossRule.
// Without gradients, by chunks.
TokenLogprobs token_logprobs(const at::Tensor& hidden, const at::Tensor& weight,
                             const at::Tensor& ids, double soft_cap = 0);

// The logits [rows, vocab] themselves, float32.
at::Tensor capped_logits(const at::Tensor& hidden, const at::Tensor& weight, double soft_cap);

}  // namespace sft
