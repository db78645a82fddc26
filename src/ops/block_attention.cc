#include "ops/block_attention.h"

#include <algorithm>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/cpu_kernels.h"

namespace sft {
namespace {

using at::Tensor;

constexpr int64_t kBlockQueries = 128;

// A block of a sample's queries and the keys that it sees: [first, last) each, within the sample.
struct Block {
  int64_t first_query;
  int64_t last_query;
  int64_t first_key;
  int64_t last_key;

  int64_t num_queries() const { return last_query - first_query; }
  int64_t num_keys() const { return last_key - first_key; }
};

std::vector<Block> blocks_of(int64_t length, int64_t window) {
  std::vector<Block> blocks;
  for (int64_t first = 0; first < length; first += kBlockQueries) {
    const int64_t last = std::min(first + kBlockQueries, length);
    const int64_t first_key = window == 0 ? 0 : std::max<int64_t>(0, first - window + 1);
    blocks.push_back({first, last, first_key, last});
  }
  return blocks;
}

// The block's keys that its query of this row sees, counted from the block's first key.
KeyRange keys_of(const Block& block, int64_t query, int64_t window) {
  const int64_t place = block.first_query + query;
  const int64_t first = window == 0 ? 0 : std::max<int64_t>(0, place - window + 1);
  return {std::max(first, block.first_key) - block.first_key, place + 1 - block.first_key,
          block.num_keys()};
}

// [seq, kv_heads, head_dim] of a sample -> [kv_heads, seq, head_dim]
Tensor by_head(const Tensor& packed, int64_t begin, int64_t end) {
  return packed.slice(0, begin, end).transpose(0, 1).contiguous();
}

// The queries of a block, those that share a key head together:
// [seq, heads, head_dim] of a sample -> [kv_heads, group * queries, head_dim]
Tensor query_rows(const Tensor& sample, const Block& block, int64_t kv_heads) {
  const Tensor rows = sample.slice(0, block.first_query, block.last_query);
  const int64_t group = rows.size(1) / kv_heads;
  return rows.view({rows.size(0), kv_heads, group, rows.size(2)})
      .permute({1, 2, 0, 3})
      .reshape({kv_heads, group * rows.size(0), rows.size(2)});
}

// And back, into the block's rows of a sample.
void put_query_rows(const Tensor& rows, const Tensor& sample, const Block& block) {
  const int64_t kv_heads = rows.size(0);
  const int64_t queries = block.num_queries();
  const int64_t group = rows.size(1) / queries;
  const Tensor place = sample.slice(0, block.first_query, block.last_query);
  place.view({queries, kv_heads, group, rows.size(2)})
      .copy_(rows.view({kv_heads, group, queries, rows.size(2)}).permute({2, 0, 1, 3}));
}

// Calls row(index, head, query) for each row of a block's scores; head counts all heads.
template <typename Row>
void for_each_row(int64_t heads, const Block& block, const Row& row) {
  const int64_t queries = block.num_queries();
  at::parallel_for(0, heads * queries, 16, [&](int64_t begin, int64_t end) {
    for (int64_t index = begin; index < end; ++index) {
      row(index, index / queries, index % queries);
    }
  });
}

// Products [kv_heads, group * queries, keys] become weights; log_sums [heads, tokens of the
// sample].
template <typename T>
void make_weights(const Tensor& products, const Tensor& log_sums, const Block& block,
                  const AttentionRule& rule) {
  auto* const data = mutable_elements<T>(products);
  auto* const sums = log_sums.mutable_data_ptr<float>();
  const int64_t length = log_sums.size(1);
  for_each_row(log_sums.size(0), block, [&](int64_t index, int64_t head, int64_t query) {
    const KeyRange keys = keys_of(block, query, rule.window);
    sums[head * length + block.first_query + query] =
        element_kernels<T>().attention_weights(data + index * keys.count, keys, factors_of(rule));
  });
}

// A sample's tensors.
struct Sample {
  Tensor queries;  // [seq, heads, head_dim]
  Tensor keys;     // [kv_heads, seq, head_dim]
  Tensor values;
  const AttentionRule& rule;
};

// A sample's attention into `output` [seq, heads, head_dim]; returns log_sums [heads, seq].
Tensor sample_forward(const Sample& sample, const Tensor& output) {
  const Tensor& queries = sample.queries;
  Tensor log_sums =
      at::empty({queries.size(1), queries.size(0)}, queries.options().dtype(at::kFloat));
  for (const Block& block : blocks_of(queries.size(0), sample.rule.window)) {
    const Tensor q = query_rows(queries, block, sample.keys.size(0));
    const Tensor k = sample.keys.slice(1, block.first_key, block.last_key);
    const Tensor v = sample.values.slice(1, block.first_key, block.last_key);
    const Tensor weights = at::bmm(q, k.transpose(1, 2));
    if (weights.scalar_type() == at::kBFloat16) {
      make_weights<Bf16>(weights, log_sums, block, sample.rule);
    } else {
      make_weights<float>(weights, log_sums, block, sample.rule);
    }
    put_query_rows(at::bmm(weights, v), output, block);
  }
  return log_sums;
}

// What a sample's backward pass reads and writes beside the sample. The gradients of keys and
// values, float32, add up over the blocks.
struct SampleGradients {
  Tensor doutput;   // [seq, heads, head_dim]
  Tensor log_sums;  // [heads, seq]
  Tensor means;     // [heads, seq], the sums of weight * gradient by the weight
  Tensor dqueries;  // [seq, heads, head_dim]
  Tensor dkeys;     // [kv_heads, seq, head_dim]
  Tensor dvalues;
};

// Products become weights, the gradient by the weights that by the products.
template <typename T>
void make_gradients(const Tensor& products, const Tensor& dweights, const SampleGradients& sample,
                    const Block& block, const AttentionRule& rule) {
  auto* const data = mutable_elements<T>(products);
  auto* const gradient = mutable_elements<T>(dweights);
  const auto* const sums = sample.log_sums.const_data_ptr<float>();
  const auto* const means = sample.means.const_data_ptr<float>();
  const int64_t length = sample.means.size(1);
  for_each_row(sample.means.size(0), block, [&](int64_t index, int64_t head, int64_t query) {
    const KeyRange keys = keys_of(block, query, rule.window);
    const int64_t place = head * length + block.first_query + query;
    element_kernels<T>().attention_weights_backward(data + index * keys.count,
                                                    gradient + index * keys.count, keys,
                                                    {sums[place], means[place]}, factors_of(rule));
  });
}

void block_backward(const Sample& sample, const SampleGradients& gradients, const Block& block) {
  const int64_t kv_heads = sample.keys.size(0);
  const Tensor q = query_rows(sample.queries, block, kv_heads);
  const Tensor d = query_rows(gradients.doutput, block, kv_heads);
  const Tensor k = sample.keys.slice(1, block.first_key, block.last_key);
  const Tensor v = sample.values.slice(1, block.first_key, block.last_key);
  const Tensor weights = at::bmm(q, k.transpose(1, 2));
  const Tensor dproducts = at::bmm(d, v.transpose(1, 2));
  if (weights.scalar_type() == at::kBFloat16) {
    make_gradients<Bf16>(weights, dproducts, gradients, block, sample.rule);
  } else {
    make_gradients<float>(weights, dproducts, gradients, block, sample.rule);
  }
  put_query_rows(at::bmm(dproducts, k), gradients.dqueries, block);
  gradients.dkeys.slice(1, block.first_key, block.last_key)
      .add_(at::bmm(dproducts.transpose(1, 2), q));
  gradients.dvalues.slice(1, block.first_key, block.last_key)
      .add_(at::bmm(weights.transpose(1, 2), d));
}

class BlockAttentionFunction : public torch::autograd::Function<BlockAttentionFunction> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& queries,
                        const Tensor& keys, const Tensor& values,
                        const std::vector<int64_t>& cu_seqlens, const AttentionRule& rule) {
    Tensor output = at::empty_like(queries);
    std::vector<Tensor> saved = {queries, keys, values, output};
    for (size_t i = 0; i + 1 < cu_seqlens.size(); ++i) {
      const int64_t begin = cu_seqlens[i];
      const int64_t end = cu_seqlens[i + 1];
      const Sample sample = {queries.slice(0, begin, end), by_head(keys, begin, end),
                             by_head(values, begin, end), rule};
      saved.push_back(sample_forward(sample, output.slice(0, begin, end)));
    }
    context->save_for_backward(saved);
    context->saved_data["cu_seqlens"] = cu_seqlens;
    context->saved_data["scale"] = rule.scale;
    context->saved_data["soft_cap"] = rule.soft_cap;
    context->saved_data["window"] = rule.window;
    return output;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const std::vector<int64_t> cu_seqlens = context->saved_data["cu_seqlens"].toIntVector();
    const AttentionRule rule = {.scale = context->saved_data["scale"].toDouble(),
                                .soft_cap = context->saved_data["soft_cap"].toDouble(),
                                .window = context->saved_data["window"].toInt()};
    const Tensor doutput = grads[0].contiguous();
    const Tensor dqueries = at::empty_like(saved[0]);
    const Tensor dkeys = at::empty_like(saved[1]);
    const Tensor dvalues = at::empty_like(saved[2]);
    for (size_t i = 0; i + 1 < cu_seqlens.size(); ++i) {
      const int64_t begin = cu_seqlens[i];
      const int64_t end = cu_seqlens[i + 1];
      const Sample sample = {saved[0].slice(0, begin, end), by_head(saved[1], begin, end),
                             by_head(saved[2], begin, end), rule};
      const Tensor d = doutput.slice(0, begin, end);
      const at::TensorOptions wide = doutput.options().dtype(at::kFloat);
      // Softmax's gradient needs sum(weight * dweight) of each row, which is output . doutput.
      const Tensor means =
          (d.to(at::kFloat) * saved[3].slice(0, begin, end).to(at::kFloat)).sum(-1);
      const SampleGradients gradients = {.doutput = d,
                                         .log_sums = saved[4 + i],
                                         .means = means.t().contiguous(),
                                         .dqueries = dqueries.slice(0, begin, end),
                                         .dkeys = at::zeros(sample.keys.sizes(), wide),
                                         .dvalues = at::zeros(sample.keys.sizes(), wide)};
      for (const Block& block : blocks_of(end - begin, rule.window)) {
        block_backward(sample, gradients, block);
      }
      dkeys.slice(0, begin, end).copy_(gradients.dkeys.transpose(0, 1));
      dvalues.slice(0, begin, end).copy_(gradients.dvalues.transpose(0, 1));
    }
    return {dqueries, dkeys, dvalues, Tensor(), Tensor()};
  }
};

}  // namespace

Tensor block_attention(const Tensor& queries, const Tensor& keys, const Tensor& values,
                       std::span<const int32_t> cu_seqlens, const AttentionRule& rule) {
  return BlockAttentionFunction::apply(queries.contiguous(), keys.contiguous(), values.contiguous(),
                                       std::vector<int64_t>(cu_seqlens.begin(), cu_seqlens.end()),
                                       rule);
}

}  // namespace sft
