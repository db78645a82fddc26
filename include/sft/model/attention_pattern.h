#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "sft/ops/attention.h"

namespace sft {

// What a layer attends with.
//   queries: [tokens, heads, head_dim]; keys, values: [tokens, kv_heads, head_dim]; queries and
//   keys rotated.
struct AttentionInput {
  at::Tensor queries;
  at::Tensor keys;
  at::Tensor values;
  AttentionRule rule;
};

// What a model's attention layers attend to. A model hands over a layer's queries, keys and values
// and does not know whether they are trained on, or cached for generation.
// Returns [tokens, heads, head_dim].
class AttentionPattern {
 public:
  virtual ~AttentionPattern() = default;
  virtual at::Tensor attend(int64_t layer, const AttentionInput& input) = 0;
};

// Samples packed one after another, each seeing itself alone: training and scoring.
class PackedAttention final : public AttentionPattern {
 public:
  explicit PackedAttention(std::vector<int32_t> cu_seqlens) : cu_seqlens_(std::move(cu_seqlens)) {}
  at::Tensor attend(int64_t layer, const AttentionInput& input) override;

 private:
  std::vector<int32_t> cu_seqlens_;
};

}  // namespace sft
