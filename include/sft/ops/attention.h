#pragma once

#include <cstdint>
#include <span>

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

// What a sequence has cached in a layer: keys and values [kv_heads, capacity, head_dim],
// contiguous, whose first `tokens` tokens are in use, the new one's last.
struct CachedTokens {
  at::Tensor keys;
  at::Tensor values;
  int64_t tokens = 0;
};

// Attention of one new token a sequence over everything cached before it and itself, without
// gradients; sequences may be of any lengths, and none depends on the others.
//   queries: [sequences, heads, head_dim], as many as `cached`.
// Returns [sequences, heads, head_dim]. Softmax and its sums in float32.
at::Tensor decode_attention(const at::Tensor& queries, std::span<const CachedTokens> cached,
                            const AttentionRule& rule);

// The same for one sequence, by LibTorch's operations; runs on any device.
//   query: [heads, head_dim]; keys, values: [kv_heads, length, head_dim], the new token's last.
// Returns [heads, head_dim].
at::Tensor cached_attention(const at::Tensor& query, const at::Tensor& keys,
                            const at::Tensor& values, const AttentionRule& rule);

}  // namespace sft
