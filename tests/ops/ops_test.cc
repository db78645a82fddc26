// Each operation against its plain form and, for gradients, LibTorch's own: in float32 to rounding;
// in bf16 both sides round, so errors are measured against float32.

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "sft/ops/adamw.h"
#include "sft/ops/attention.h"
#include "sft/ops/gated_activation.h"
#include "sft/ops/layer_norm.h"
#include "sft/ops/linear_cross_entropy.h"
#include "sft/ops/rms_norm.h"
#include "sft/ops/rotary.h"

namespace sft {
namespace {

using at::Tensor;
using Function = std::function<Tensor(const std::vector<Tensor>&)>;

struct Case {
  std::string name;
  std::vector<std::vector<int64_t>> shapes;  // of the differentiable inputs
  Function fast;
  Function plain;
};

Tensor random(at::IntArrayRef shape, uint64_t seed) {
  return at::randn(shape, at::detail::createCPUGenerator(seed), at::TensorOptions());
}

// The output and the gradients of sum(output * weights) for fixed weights.
std::vector<Tensor> outcome(const Function& function, const std::vector<Tensor>& inputs,
                            at::ScalarType type) {
  std::vector<Tensor> leaves;
  for (const Tensor& input : inputs) {
    leaves.push_back(input.to(type).detach().requires_grad_(true));
  }
  const Tensor output = function(leaves);
  const Tensor weights = random(output.sizes(), 7).to(output.scalar_type());
  std::vector<Tensor> results = torch::autograd::grad({(output * weights).sum()}, leaves);
  results.insert(results.begin(), output.detach());
  return results;
}

double relative_error(const Tensor& value, const Tensor& exact) {
  const double norm = exact.to(at::kDouble).norm().item<double>();
  return (value.to(at::kDouble) - exact.to(at::kDouble)).norm().item<double>() /
         std::max(norm, 1e-30);
}

const std::vector<int32_t> kOffsets = {0, 1, 34, 36, 100};

// Samples of less than a block of queries, of two blocks with a rest, and shorter than the window.
const std::vector<int32_t> kLongOffsets = {0, 1, 12, 80, 81, 300};
const AttentionRule kWindow = {.scale = 0.2, .window = 13};
const AttentionRule kCap = {.scale = 0.5, .soft_cap = 1.5};
const AttentionRule kBoth = {.scale = 0.5, .soft_cap = 1.5, .window = 140};

Tensor positions() {
  std::vector<Tensor> parts;
  for (size_t i = 0; i + 1 < kOffsets.size(); ++i) {
    parts.push_back(at::arange(kOffsets[i + 1] - kOffsets[i], at::kLong));
  }
  return at::cat(parts);
}

RotaryTable table() {
  const Tensor frequencies = at::pow(10000.0, -at::arange(0, 24, 2, at::kFloat) / 24.0);
  return make_rotary_table(frequencies, 100);
}

Tensor target_index() {
  return at::arange(3, 93, 3, at::kLong);
}
Tensor target_ids() {
  return (target_index() * 7) % 211;
}

std::vector<Case> cases() {
  return {
      {"rms_norm",
       {{37, 75}, {75}},
       [](const auto& in) { return rms_norm(in[0], in[1], 1e-5); },
       [](const auto& in) { return rms_norm_plain(in[0], in[1], 1e-5); }},
      {"swiglu",
       {{13, 101}, {13, 101}},
       [](const auto& in) { return swiglu(in[0] * 8, in[1]); },
       [](const auto& in) { return swiglu_plain(in[0] * 8, in[1]); }},
      {"rms_norm_of_weights_less_one",
       {{37, 75}, {75}},
       [](const auto& in) { return rms_norm(in[0], in[1], 1e-5, 1); },
       [](const auto& in) { return rms_norm_plain(in[0], in[1], 1e-5, 1); }},
      {"layer_norm",
       {{37, 75}},
       [](const auto& in) { return layer_norm(in[0] + 3, 1e-5); },
       [](const auto& in) { return layer_norm_plain(in[0] + 3, 1e-5); }},
      {"geglu",
       {{13, 101}, {13, 101}},
       [](const auto& in) { return geglu(in[0] * 4, in[1]); },
       [](const auto& in) { return geglu_plain(in[0] * 4, in[1]); }},
      {"rotary",
       {{100, 3, 24}},
       [](const auto& in) { return apply_rotary(in[0], positions(), table()); },
       [](const auto& in) { return apply_rotary_plain(in[0], positions(), table()); }},
      {"attention",
       {{100, 6, 24}, {100, 2, 24}, {100, 2, 24}},
       [](const auto& in) { return attention(in[0], in[1], in[2], kOffsets, {.scale = 0.2}); },
       [](const auto& in) {
         return attention_plain(in[0], in[1], in[2], kOffsets, {.scale = 0.2});
       }},
      {"attention_in_a_window",
       {{300, 6, 24}, {300, 2, 24}, {300, 2, 24}},
       [](const auto& in) { return attention(in[0], in[1], in[2], kLongOffsets, kWindow); },
       [](const auto& in) { return attention_plain(in[0], in[1], in[2], kLongOffsets, kWindow); }},
      {"attention_with_a_soft_cap",
       {{300, 6, 24}, {300, 2, 24}, {300, 2, 24}},
       [](const auto& in) { return attention(in[0], in[1], in[2], kLongOffsets, kCap); },
       [](const auto& in) { return attention_plain(in[0], in[1], in[2], kLongOffsets, kCap); }},
      {"attention_with_both",
       {{300, 4, 24}, {300, 4, 24}, {300, 4, 24}},
       [](const auto& in) { return attention(in[0], in[1], in[2], kLongOffsets, kBoth); },
       [](const auto& in) { return attention_plain(in[0], in[1], in[2], kLongOffsets, kBoth); }},
      {"linear_cross_entropy_with_a_soft_cap",
       {{100, 40}, {211, 40}},
       [](const auto& in) {
         return linear_cross_entropy(in[0], in[1], target_index(), target_ids(),
                                     {.scale = 0.125, .soft_cap = 5});
       },
       [](const auto& in) {
         return linear_cross_entropy_plain(in[0], in[1], target_index(), target_ids(),
                                           {.scale = 0.125, .soft_cap = 5});
       }},
      {"linear_cross_entropy",
       {{100, 40}, {211, 40}},
       [](const auto& in) {
         return linear_cross_entropy(in[0], in[1], target_index(), target_ids(), {.scale = 0.125});
       },
       [](const auto& in) {
         return linear_cross_entropy_plain(in[0], in[1], target_index(), target_ids(),
                                           {.scale = 0.125});
       }},
  };
}

class Ops : public testing::TestWithParam<Case> {
 protected:
  std::vector<Tensor> inputs() const {
    std::vector<Tensor> inputs;
    for (const auto& shape : GetParam().shapes) {
      inputs.push_back(random(shape, 11 + inputs.size()));
    }
    return inputs;
  }
};

TEST_P(Ops, EqualThePlainFormInFloat32) {
  const std::vector<Tensor> fast = outcome(GetParam().fast, inputs(), at::kFloat);
  const std::vector<Tensor> plain = outcome(GetParam().plain, inputs(), at::kFloat);
  for (size_t i = 0; i < fast.size(); ++i) {
    EXPECT_EQ(fast[i].sizes(), plain[i].sizes());
    // Sums of up to some hundred float32 terms in another order.
    EXPECT_LT(relative_error(fast[i], plain[i]), 2e-6) << "result " << i;
  }
}

TEST_P(Ops, AreNoWorseThanThePlainFormInBf16) {
  std::vector<Tensor> rounded;
  for (const Tensor& input : inputs()) {
    rounded.push_back(input.to(at::kBFloat16));
  }
  const std::vector<Tensor> exact = outcome(GetParam().plain, rounded, at::kFloat);
  const std::vector<Tensor> fast = outcome(GetParam().fast, rounded, at::kBFloat16);
  const std::vector<Tensor> plain = outcome(GetParam().plain, rounded, at::kBFloat16);
  for (size_t i = 0; i < fast.size(); ++i) {
    EXPECT_LT(relative_error(fast[i], exact[i]), 1.5 * relative_error(plain[i], exact[i]) + 1e-3)
        << "result " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Ops, testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param.name; });

// The first tokens of [tokens, kv_heads, head_dim] as a cache holds them, with room behind them
// that must not be read.
CachedTokens cached(const Tensor& keys, const Tensor& values, int64_t begin, int64_t end) {
  const auto with_room = [&](const Tensor& packed) {
    const Tensor used = packed.slice(0, begin, end).transpose(0, 1);
    return at::cat({used, at::full({used.size(0), 3, used.size(2)}, NAN, used.options())}, 1);
  };
  return {.keys = with_room(keys), .values = with_room(values), .tokens = end - begin};
}

const std::vector<AttentionRule>& cached_rules() {
  static const std::vector<AttentionRule> kRules = {{.scale = 0.2},
                                                    {.scale = 0.2, .window = 7},
                                                    {.scale = 0.2, .window = 300},
                                                    kCap,
                                                    {.scale = 0.5, .soft_cap = 1.5, .window = 64}};
  return kRules;
}

TEST(Attention, OfTheLastTokensIsTheLastRowsOfAll) {
  const Tensor q = random({50, 6, 24}, 1);
  const Tensor k = random({50, 2, 24}, 2);
  const Tensor v = random({50, 2, 24}, 3);
  const std::vector<int32_t> offsets = {0, 50};
  for (const AttentionRule& rule : cached_rules()) {
    const Tensor all = attention_plain(q, k, v, offsets, rule);
    for (const int64_t tokens : {1, 13, 50}) {
      const Tensor last = cached_attention_plain(
          q.slice(0, 50 - tokens),
          {.parts = {cached(k, v, 0, 20), cached(k, v, 20, 50)}, .new_tokens = tokens}, rule);
      EXPECT_LT(relative_error(last, all.slice(0, 50 - tokens)), 2e-6)
          << tokens << " " << rule.window << " " << rule.soft_cap;
    }
  }
}

// Sequences of these lengths, each of how many new tokens, the first 40 tokens of the longer ones
// being the same part; heads, key heads and widths that fill registers and that do not.
TEST(Attention, OfNewTokensIsThatOfEachSequenceAlone) {
  struct Asked {
    int64_t length;
    int64_t new_tokens;
  };
  const std::vector<Asked> asked = {{1, 1}, {5, 1}, {6, 6}, {64, 1}, {203, 3}, {150, 110}, {41, 1}};
  struct Heads {
    int64_t heads;
    int64_t kv_heads;
    int64_t width;
  };
  for (const auto& [heads, kv_heads, width] :
       {Heads{6, 2, 24}, {4, 4, 64}, {9, 3, 80}, {20, 1, 32}, {8, 1, 6}}) {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      const Tensor k = random({203, kv_heads, width}, 2).to(type);
      const Tensor v = random({203, kv_heads, width}, 3).to(type);
      const CachedTokens shared = cached(k, v, 0, 40);
      std::vector<CachedSequence> sequences;
      int64_t num_new = 0;
      for (const auto& [length, new_tokens] : asked) {
        CachedSequence& sequence = sequences.emplace_back();
        sequence.new_tokens = new_tokens;
        num_new += new_tokens;
        if (length <= 40) {
          sequence.parts = {cached(k, v, 0, length)};
        } else {
          sequence.parts = {shared, cached(k, v, 40, length)};
        }
      }
      const Tensor q = random({num_new, heads, width}, 1).to(type);
      for (const AttentionRule& rule : cached_rules()) {
        const Tensor all = cached_attention(q, sequences, rule);
        int64_t row = 0;
        for (const CachedSequence& sequence : sequences) {
          CachedSequence exact = sequence;
          for (CachedTokens& part : exact.parts) {
            part.keys = part.keys.to(at::kDouble);
            part.values = part.values.to(at::kDouble);
          }
          const int64_t end = row + sequence.new_tokens;
          // bf16: the output is rounded once.
          EXPECT_LT(relative_error(
                        all.slice(0, row, end),
                        cached_attention_plain(q.slice(0, row, end).to(at::kDouble), exact, rule)),
                    type == at::kFloat ? 2e-6 : 3e-3)
              << width << " " << row << " " << rule.window << " " << rule.soft_cap;
          row = end;
        }
      }
    }
  }
}

TEST(Attention, AWindowOfOneTokenIsItsOwnValue) {
  const Tensor q = random({9, 4, 8}, 1);
  const Tensor v = random({9, 4, 8}, 3);
  const std::vector<int32_t> offsets = {0, 9};
  EXPECT_LT(relative_error(attention(q, q, v, offsets, {.scale = 1, .window = 1}), v), 1e-6);
}

TEST(LinearCrossEntropy, GivesTheSameInOneChunkAndInMany) {
  // 50,000 rows of the output matrix make a chunk of 1006 targets in float32.
  const Tensor hidden = random({1200, 8}, 1);
  const Tensor weight = random({50000, 8}, 2);
  const Tensor index = at::arange(1200, at::kLong);
  const Tensor ids = index * 40;
  const Function fast = [&](const std::vector<Tensor>& in) {
    return linear_cross_entropy(in[0], in[1], index, ids, {.scale = 1.0 / 1200});
  };
  const Function plain = [&](const std::vector<Tensor>& in) {
    return linear_cross_entropy_plain(in[0], in[1], index, ids, {.scale = 1.0 / 1200});
  };
  const std::vector<Tensor> chunked = outcome(fast, {hidden, weight}, at::kFloat);
  const std::vector<Tensor> exact = outcome(plain, {hidden, weight}, at::kDouble);
  for (size_t i = 0; i < chunked.size(); ++i) {
    // A float32 product over 50,000 probabilities, whatever the chunks.
    EXPECT_LT(relative_error(chunked[i], exact[i]), 5e-5) << "result " << i;
  }
}

TEST(TokenLogprobs, NameTheGreedyTokenAndTheLowestAmongEquals) {
  const Tensor hidden = at::eye(3);
  // Logits of row i are column i: [1 1 0], [0 2 1], [2 2 2].
  const Tensor weight = at::tensor({1.F, 0.F, 2.F, 1.F, 2.F, 2.F, 0.F, 1.F, 2.F}).view({3, 3});
  const TokenLogprobs scored =
      token_logprobs(hidden, weight, at::tensor(std::vector<int64_t>{0, 1, 1}));
  EXPECT_TRUE(scored.is_greedy[0].item<bool>());
  EXPECT_TRUE(scored.is_greedy[1].item<bool>());
  EXPECT_FALSE(scored.is_greedy[2].item<bool>());
  EXPECT_NEAR(scored.logprobs[2].item<double>(), -std::log(3.0), 1e-6);
}

TEST(TokenLogprobs, OfCappedLogitsAreTheLoss) {
  const Tensor hidden = random({30, 40}, 1);
  const Tensor weight = random({211, 40}, 2);
  const Tensor scored = token_logprobs(hidden, weight, target_ids(), 5).logprobs;
  const Tensor loss = linear_cross_entropy_plain(hidden, weight, at::arange(30, at::kLong),
                                                 target_ids(), {.soft_cap = 5});
  EXPECT_NEAR(scored.sum().item<double>(), -loss.item<double>(), 1e-4);
  EXPECT_LT(capped_logits(hidden, weight, 5).abs().max().item<double>(), 5);
}

TEST(AdamW, EqualsItsDefinitionAndRoundsTheWeight) {
  const at::TensorOptions options = at::TensorOptions().dtype(at::kFloat);
  const AdamwParameter parameter = {.weight = at::zeros({70000}, options.dtype(at::kBFloat16)),
                                    .master = random({70000}, 1),
                                    .mean = at::zeros({70000}, options),
                                    .square_mean = at::zeros({70000}, options),
                                    .gradient = at::zeros({70000}, options)};
  Tensor p = parameter.master.to(at::kDouble);
  Tensor m = at::zeros_like(p);
  Tensor v = at::zeros_like(p);
  for (int64_t step = 1; step <= 3; ++step) {
    const Tensor gradient = random({70000}, 100 + static_cast<uint64_t>(step));
    parameter.gradient.copy_(gradient);
    adamw_step(parameter,
               {.learning_rate = 1e-2,
                .beta1 = 0.9,
                .beta2 = 0.95,
                .eps = 1e-8,
                .weight_decay = 0.1,
                .step = step},
               /*gradient_scale=*/0.5);
    const Tensor g = gradient.to(at::kDouble) * 0.5;
    m = 0.9 * m + 0.1 * g;
    v = 0.95 * v + 0.05 * g * g;
    const auto t = static_cast<double>(step);
    p = p * (1 - 1e-2 * 0.1) -
        1e-2 * (m / (1 - std::pow(0.9, t))) / ((v / (1 - std::pow(0.95, t))).sqrt() + 1e-8);
  }
  EXPECT_LT(relative_error(parameter.master, p), 1e-6);
  EXPECT_TRUE(at::equal(parameter.weight, parameter.master.to(at::kBFloat16)));
  EXPECT_EQ(parameter.gradient.abs().max().item<float>(), 0);
}

TEST(GlobalNorm, IsThatOfAllTensorsTogether) {
  const std::vector<Tensor> tensors = {random({200001}, 1), random({3, 5}, 2)};
  const double expected = std::hypot(tensors[0].to(at::kDouble).norm().item<double>(),
                                     tensors[1].to(at::kDouble).norm().item<double>());
  EXPECT_NEAR(global_norm(tensors), expected, 1e-9 * expected);
}

}  // namespace
}  // namespace sft
