#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace sft {

// What a model's attention layers attend to. A model hands over the queries, keys and values of a
// layer and does not know whether they are trained on, or cached for generation.
//   queries: [tokens, heads, head_dim]; keys, values: [tokens, kv_heads, head_dim], rotated.
// Returns [tokens, heads, head_dim].
class AttentionPattern {
 public:
  virtual ~AttentionPattern() = default;
  virtual at::Tensor attend(int64_t layer, const at::Tensor& queries, const at::Tensor& keys,
                            const at::Tensor& values, double scale) = 0;
};

// Samples packed one after another, each seeing itself alone: training and scoring.
class PackedAttention final : public AttentionPattern {
 public:
  explicit PackedAttention(std::vector<int32_t> cu_seqlens) : cu_seqlens_(std::move(cu_seqlens)) {}
  at::Tensor attend(int64_t layer, const at::Tensor& queries, const at::Tensor& keys,
                    const at::Tensor& values, double scale) override;

 private:
  std::vector<int32_t> cu_seqlens_;
};

}  // namespace sft
