#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "sft/model/attention_pattern.h"

namespace sft {

// The keys and values of one sequence, a pair of tensors [kv_heads, capacity, head_dim] a layer,
// behind those of the cache that it begins with, if any: many sequences may begin with one. Grows
// by doubling, so a sequence takes what it needs and not what the longest one would.
class KvCache {
 public:
  // `prefix` may be computed in the same pass as this, and is complete then.
  explicit KvCache(int64_t num_layers, std::shared_ptr<const KvCache> prefix = nullptr)
      : prefix_(std::move(prefix)), layers_(static_cast<size_t>(num_layers)) {}

  // Rows of keys and values that stand for many sequences.
  struct Rows {
    int64_t begin = 0;
    int64_t end = 0;
  };
  // Appends these rows of a layer's keys and values [tokens, kv_heads, head_dim].
  void append(int64_t layer, const at::Tensor& keys, const at::Tensor& values, Rows rows);
  // Forgets what comes behind the sequence's first `length` tokens, those of the prefix included.
  void truncate(int64_t length);
  // Adds what a layer holds so far, from the sequence's first token on.
  void add_parts(int64_t layer, std::vector<CachedTokens>& parts) const;
  // Tokens in the cache and what it begins with (in the last layer: whole steps only are counted).
  int64_t length() const;

 private:
  struct Layer {
    at::Tensor keys;
    at::Tensor values;
    int64_t length = 0;
  };
  std::shared_ptr<const KvCache> prefix_;
  std::vector<Layer> layers_;
};

// New tokens of a sequence, some rows of a packed forward pass.
struct NewTokens {
  KvCache::Rows rows;
  const KvCache* before = nullptr;  // what they come behind; null: nothing
  KvCache* cache = nullptr;  // they are appended to this, which is then what they come behind
};

// New tokens of any number of sequences, packed, each seeing what its sequence has cached and
// itself. A cache that others begin with may be computed in the same pass.
class CachedAttention final : public AttentionPattern {
 public:
  // `runs` follow each other, and what they point to outlives this.
  explicit CachedAttention(std::vector<NewTokens> runs);
  at::Tensor attend(int64_t layer, const AttentionInput& input) override;

 private:
  std::vector<NewTokens> runs_;
};

}  // namespace sft
