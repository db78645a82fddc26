#pragma once

#include <ATen/core/Tensor.h>

namespace sft {

// The sum of the losses (nats) -log softmax(weight . hidden[target_index[i]])[target_ids[i]],
// times `scale`, as a float32 scalar. Logits are never held for more than a chunk of the targets.
//   hidden: [tokens, width]; weight: [vocab, width], both float32 or bf16; target_index,
//   target_ids: [targets], int64.
// Softmax and sum are float32. Differentiable in hidden and weight: the gradients are computed with
// the loss, which is why `scale` (one over the targets of the whole step) must be given here.
at::Tensor linear_cross_entropy(const at::Tensor& hidden, const at::Tensor& weight,
                                const at::Tensor& target_index, const at::Tensor& target_ids,
                                double scale);

// The same out of LibTorch's own operations, all logits at once; runs on any device.
at::Tensor linear_cross_entropy_plain(const at::Tensor& hidden, const at::Tensor& weight,
                                      const at::Tensor& target_index, const at::Tensor& target_ids,
                                      double scale);

// What scoring asks of a model: log-probabilities of given tokens, and whether each is the most
// probable one (the lowest id among equals).
struct TokenLogprobs {
  at::Tensor logprobs;   // [rows], float32, nats
  at::Tensor is_greedy;  // [rows], bool
};

// hidden: [rows, width], weight: [vocab, width], ids: [rows], int64. Without gradients, by chunks.
TokenLogprobs token_logprobs(const at::Tensor& hidden, const at::Tensor& weight,
                             const at::Tensor& ids);

}  // namespace sft
