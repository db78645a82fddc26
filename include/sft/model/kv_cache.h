#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "sft/model/attention_pattern.h"

namespace sft {

// The keys and values of one sequence, a pair of tensors [kv_heads, capacity, head_dim] a layer.
// Grows by doubling, so a sequence takes what it needs and not what the longest one would.
class KvCache {
 public:
  explicit KvCache(int64_t num_layers) : layers_(static_cast<size_t>(num_layers)) {}

  // Rows of keys and values that stand for many sequences.
  struct Rows {
    int64_t begin = 0;
    int64_t end = 0;
  };
  // Appends these rows of a layer's keys and values [tokens, kv_heads, head_dim].
  void append(int64_t layer, const at::Tensor& keys, const at::Tensor& values, Rows rows);
  // What a layer holds so far.
  CachedTokens layer(int64_t layer) const;
  // Tokens in the cache (in its last layer: whole steps only are counted).
  int64_t length() const { return layers_.back().length; }

 private:
  struct Layer {
    at::Tensor keys;
    at::Tensor values;
    int64_t length = 0;
  };
  std::vector<Layer> layers_;
};

// Whole prompts packed one after another into empty caches, one a prompt.
class PrefillAttention final : public AttentionPattern {
 public:
  // `caches` and what they point to must outlive this.
  PrefillAttention(std::vector<int32_t> cu_seqlens, std::span<KvCache* const> caches)
      : cu_seqlens_(std::move(cu_seqlens)), caches_(caches.begin(), caches.end()) {}
  at::Tensor attend(int64_t layer, const AttentionInput& input) override;

 private:
  std::vector<int32_t> cu_seqlens_;
  std::vector<KvCache*> caches_;
};

// One new token a sequence; sequences may be of any lengths.
class DecodeAttention final : public AttentionPattern {
 public:
  explicit DecodeAttention(std::span<KvCache* const> caches)
      : caches_(caches.begin(), caches.end()) {}
  at::Tensor attend(int64_t layer, const AttentionInput& input) override;

 private:
  std::vector<KvCache*> caches_;
};

}  // namespace sft
