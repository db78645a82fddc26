#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

namespace sft {

// How scores come of queries and keys, and which keys a token sees.
struct AttentionRule {
  double scale = 1;     // of the products q . k; positive
  double soft_cap = 0;  // scores become soft_cap * tanh(score / soft_cap); 0: they stay
  int64_t window = 0;   // a token sees itself and the window - 1 tokens before it; 0: all before it
};

// Causal self-attention of samples packed one after another; no token sees another sample's.
//   queries: [tokens, heads, head_dim]; keys, values: [tokens, kv_heads, head_dim]; heads is a
//   multiple of kv_heads, and head h reads key head h / (heads / kv_heads).
//   cu_seqlens: the samples' first tokens and, last, the number of tokens.
// Returns [tokens, heads, head_dim] of the inputs' type; softmax in float32. Differentiable.
at::Tensor attention(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values,
                     std::span<const int32_t> cu_seqlens, const AttentionRule& rule);

// The same by its definition, all scores of a sample at once; runs on any device.
at::Tensor attention_plain(const at::Tensor& queries, const at::Tensor& keys,
                           const at::Tensor& values, std::span<const int32_t> cu_seqlens,
                           const AttentionRule& rule);

// Keys and values of tokens that follow each other: [kv_heads, capacity, head_dim], the numbers of
// a head side by side, whose first `tokens` tokens are in use.
struct CachedTokens {
  at::Tensor keys;
  at::Tensor values;
  int64_t tokens = 0;
};

// The newest tokens of a sequence, whose queries are asked, and all that it consists of, itself
// included: one part behind another. Parts may belong to many sequences.
struct CachedSequence {
  std::vector<CachedTokens> parts;
  int64_t new_tokens = 1;
};

// Attention of new tokens over everything cached before them and themselves, without gradients;
// sequences may be of any lengths, and none depends on the others. Quick where sequences that share
// a part follow each other.
//   queries: [new tokens of all sequences, packed, heads, head_dim].
// Returns the same shape. Softmax and its sums in float32.
at::Tensor cached_attention(const at::Tensor& queries, std::span<const CachedSequence> sequences,
                            const AttentionRule& rule);

// The same for one sequence by its definition; runs on any device.
at::Tensor cached_attention_plain(const at::Tensor& queries, const CachedSequence& sequence,
                                  const AttentionRule& rule);

}  // namespace sft
