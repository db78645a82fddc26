#include "sft/ops/attention.h"

#include <cmath>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tanh.h>

#include "ops/block_attention.h"
#include "ops/cpu_kernels.h"

#include "sft/core/error.h"

namespace sft {
namespace {

using at::Tensor;

// [seq, heads, head_dim] -> [kv_heads, group, seq, head_dim]
Tensor grouped(const Tensor& queries, int64_t kv_heads) {
  const int64_t group = queries.size(1) / kv_heads;
  return queries.view({queries.size(0), kv_heads, group, queries.size(2)}).permute({1, 2, 0, 3});
}

// [seq, kv_heads, head_dim] -> [kv_heads, group, seq, head_dim], the group's keys being the same
Tensor shared_by_group(const Tensor& keys, int64_t group) {
  return keys.permute({1, 0, 2}).unsqueeze(1).expand({-1, group, -1, -1});
}

// [kv_heads, group, seq, head_dim] -> [seq, heads, head_dim]
Tensor ungrouped(const Tensor& heads) {
  return heads.permute({2, 0, 1, 3}).flatten(1, 2);
}

Tensor rows(const Tensor& packed, int64_t begin, int64_t end) {
  return packed.slice(0, begin, end);
}

// Products [.., keys] in float32 as scores.
Tensor scores_of(const Tensor& products, const AttentionRule& rule) {
  const Tensor scores = products.to(at::kFloat) * rule.scale;
  return rule.soft_cap == 0 ? scores : at::tanh(scores / rule.soft_cap) * rule.soft_cap;
}

// [queries, keys], the queries being of the last tokens: true where a key is later than the query
// or before its window.
Tensor unseen_keys(int64_t queries, int64_t keys, const AttentionRule& rule,
                   const at::TensorOptions& options) {
  const Tensor all = at::ones({queries, keys}, options.dtype(at::kBool));
  const Tensor later = all.triu(keys - queries + 1);
  return rule.window == 0 ? later : later.logical_or(all.tril(keys - queries - rule.window));
}

// Of the last tokens of a sequence: q [kv_heads, group, queries, head_dim], k and v [kv_heads,
// group, keys, head_dim]. All scores at once.
Tensor attention_of_last(const Tensor& q, const Tensor& k, const Tensor& v,
                         const AttentionRule& rule) {
  const Tensor scores = scores_of(at::matmul(q, k.transpose(-2, -1)), rule);
  const Tensor unseen = unseen_keys(q.size(2), k.size(2), rule, q.options());
  const Tensor weights = at::softmax(scores.masked_fill(unseen, -INFINITY), -1).to(v.scalar_type());
  return at::matmul(weights, v);
}

}  // namespace

Tensor attention_plain(const Tensor& queries, const Tensor& keys, const Tensor& values,
                       std::span<const int32_t> cu_seqlens, const AttentionRule& rule) {
  const int64_t kv_heads = keys.size(1);
  const int64_t group = queries.size(1) / kv_heads;
  std::vector<Tensor> outputs;
  for (size_t i = 0; i + 1 < cu_seqlens.size(); ++i) {
    const int64_t begin = cu_seqlens[i];
    const int64_t end = cu_seqlens[i + 1];
    const Tensor q = grouped(rows(queries, begin, end), kv_heads);
    const Tensor k = shared_by_group(rows(keys, begin, end), group);
    const Tensor v = shared_by_group(rows(values, begin, end), group);
    outputs.push_back(ungrouped(attention_of_last(q, k, v, rule)));
  }
  return at::cat(outputs, 0);
}

Tensor attention(const Tensor& queries, const Tensor& keys, const Tensor& values,
                 std::span<const int32_t> cu_seqlens, const AttentionRule& rule) {
  SFT_CHECK(queries.size(1) % keys.size(1) == 0);
  SFT_CHECK(!cu_seqlens.empty() && cu_seqlens.back() == queries.size(0));
  return has_cpu_kernels(queries) ? block_attention(queries, keys, values, cu_seqlens, rule)
                                  : attention_plain(queries, keys, values, cu_seqlens, rule);
}

Tensor cached_attention_plain(const Tensor& queries, const CachedSequence& sequence,
                              const AttentionRule& rule) {
  std::vector<Tensor> keys;
  std::vector<Tensor> values;
  for (const CachedTokens& part : sequence.parts) {
    keys.push_back(part.keys.slice(1, 0, part.tokens));
    values.push_back(part.values.slice(1, 0, part.tokens));
  }
  const int64_t kv_heads = keys.front().size(0);
  const int64_t group = queries.size(1) / kv_heads;
  const auto shared = [group](const std::vector<Tensor>& parts) {
    return at::cat(parts, 1).unsqueeze(1).expand({-1, group, -1, -1});
  };
  return ungrouped(
      attention_of_last(grouped(queries, kv_heads), shared(keys), shared(values), rule));
}

}  // namespace sft
