#include "sft/ops/attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu_backward.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tanh.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/block_attention.h"
#include "ops/cpu_kernels.h"

#include "sft/core/error.h"

namespace sft {
namespace {

using at::Tensor;

constexpr double kNoDropout = 0.0;

// LibTorch's flash kernel takes [batch, heads, seq, head_dim] and as many key heads as heads. The
// key heads stand in its place of the batch, and the queries that share one in its place of the
// heads, so that keys and values are read where they are.

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

class AttentionFunction : public torch::autograd::Function<AttentionFunction> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& queries,
                        const Tensor& keys, const Tensor& values,
                        const std::vector<int64_t>& cu_seqlens, double scale) {
    const int64_t kv_heads = keys.size(1);
    const int64_t group = queries.size(1) / kv_heads;
    Tensor output = at::empty_like(queries);
    std::vector<Tensor> saved = {queries, keys, values, output};
    for (size_t i = 0; i + 1 < cu_seqlens.size(); ++i) {
      const int64_t begin = cu_seqlens[i];
      const int64_t end = cu_seqlens[i + 1];
      const auto [out, logsumexp] = at::_scaled_dot_product_flash_attention_for_cpu(
          grouped(rows(queries, begin, end), kv_heads),
          shared_by_group(rows(keys, begin, end), group),
          shared_by_group(rows(values, begin, end), group), kNoDropout, /*is_causal=*/true,
          /*attn_mask=*/{}, scale);
      rows(output, begin, end).copy_(ungrouped(out));
      saved.push_back(logsumexp);
    }
    context->save_for_backward(saved);
    context->saved_data["cu_seqlens"] = cu_seqlens;
    context->saved_data["scale"] = scale;
    return output;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const Tensor& queries = saved[0];
    const Tensor& keys = saved[1];
    const Tensor& values = saved[2];
    const Tensor& output = saved[3];
    const std::vector<int64_t> cu_seqlens = context->saved_data["cu_seqlens"].toIntVector();
    const double scale = context->saved_data["scale"].toDouble();
    const int64_t kv_heads = keys.size(1);
    const int64_t group = queries.size(1) / kv_heads;
    const Tensor dout = grads[0].contiguous();
    Tensor dqueries = at::empty_like(queries);
    Tensor dkeys = at::empty_like(keys);
    Tensor dvalues = at::empty_like(values);
    for (size_t i = 0; i + 1 < cu_seqlens.size(); ++i) {
      const int64_t begin = cu_seqlens[i];
      const int64_t end = cu_seqlens[i + 1];
      const auto [dq, dk, dv] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
          grouped(rows(dout, begin, end), kv_heads), grouped(rows(queries, begin, end), kv_heads),
          shared_by_group(rows(keys, begin, end), group),
          shared_by_group(rows(values, begin, end), group),
          grouped(rows(output, begin, end), kv_heads), saved[4 + i], kNoDropout,
          /*is_causal=*/true, /*attn_mask=*/{}, scale);
      rows(dqueries, begin, end).copy_(ungrouped(dq));
      // The queries of a group each have their share of their key head's gradient.
      rows(dkeys, begin, end).copy_(dk.sum(1, false, at::kFloat).permute({1, 0, 2}));
      rows(dvalues, begin, end).copy_(dv.sum(1, false, at::kFloat).permute({1, 0, 2}));
    }
    return {dqueries, dkeys, dvalues, Tensor(), Tensor()};
  }
};

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

bool is_cut_by_window(std::span<const int32_t> cu_seqlens, const AttentionRule& rule) {
  return rule.window > 0 &&
         std::adjacent_find(cu_seqlens.begin(), cu_seqlens.end(), [&](int32_t begin, int32_t end) {
           return end - begin > rule.window;
         }) != cu_seqlens.end();
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
  if (!has_cpu_kernels(queries)) {
    return attention_plain(queries, keys, values, cu_seqlens, rule);
  }
  // LibTorch's kernel has neither caps nor windows.
  if (rule.soft_cap != 0 || is_cut_by_window(cu_seqlens, rule)) {
    return block_attention(queries, keys, values, cu_seqlens, rule);
  }
  return AttentionFunction::apply(queries.contiguous(), keys.contiguous(), values.contiguous(),
                                  std::vector<int64_t>(cu_seqlens.begin(), cu_seqlens.end()),
                                  rule.scale);
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
