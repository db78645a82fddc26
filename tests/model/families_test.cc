// Every family against transformers (tests/reference/families_reference.py), all samples of a model
// packed into one sequence.

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "reference_model.h"

#include "sft/core/rng.h"
#include "sft/model/causal_lm.h"
#include "sft/model/kv_cache.h"
#include "sft/ops/linear_cross_entropy.h"

namespace sft {
namespace {

using at::Tensor;

struct Packed {
  PackedTokens tokens;
  std::vector<int32_t> cu_seqlens = {0};
  Tensor next_index;    // every place that has a next token
  Tensor next_ids;      // that token
  Tensor target_index;  // those that are trained on
  Tensor target_ids;
};

Packed pack_samples(const Json& samples) {
  std::vector<int64_t> ids;
  std::vector<int64_t> positions;
  std::vector<int64_t> next_index;
  std::vector<int64_t> next_ids;
  std::vector<int64_t> target_index;
  std::vector<int64_t> target_ids;
  Packed packed;
  for (const Json& sample : samples) {
    const auto tokens = sample.at("token_ids").get<std::vector<int64_t>>();
    const auto num_prompt = sample.at("num_prompt").get<size_t>();
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (i > 0) {
        next_index.push_back(static_cast<int64_t>(ids.size()) - 1);
        next_ids.push_back(tokens[i]);
      }
      if (i >= num_prompt) {
        target_index.push_back(static_cast<int64_t>(ids.size()) - 1);
        target_ids.push_back(tokens[i]);
      }
      ids.push_back(tokens[i]);
      positions.push_back(static_cast<int64_t>(i));
    }
    packed.cu_seqlens.push_back(static_cast<int32_t>(ids.size()));
  }
  packed.tokens = {at::tensor(ids), at::tensor(positions)};
  packed.next_index = at::tensor(next_index);
  packed.next_ids = at::tensor(next_ids);
  packed.target_index = at::tensor(target_index);
  packed.target_ids = at::tensor(target_ids);
  return packed;
}

std::vector<double> logprobs(const CausalLm& model, const Packed& packed) {
  const at::NoGradGuard no_grad;
  PackedAttention pattern(packed.cu_seqlens);
  const Tensor hidden = model.hidden_states(packed.tokens, pattern, Recompute::kNothing);
  const Tensor scored =
      token_logprobs(hidden.index_select(0, packed.next_index), model.output_weight(),
                     packed.next_ids, model.config().logit_soft_cap)
          .logprobs;
  const auto* const data = scored.const_data_ptr<float>();
  return {data, data + scored.numel()};
}

std::vector<double> expected_logprobs(const Json& lists) {
  std::vector<double> all;
  for (const Json& list : lists) {
    const auto values = list.get<std::vector<double>>();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

// The mean loss over all targets, and every parameter's gradient.
double backward(const CausalLm& model, const Packed& packed, Recompute recompute,
                std::map<std::string, Tensor>& gradients) {
  std::vector<Tensor> parameters;
  for (const Parameter& parameter : model.parameters().all()) {
    parameter.value.set_requires_grad(true);
    parameter.value.mutable_grad().reset();
  }
  PackedAttention pattern(packed.cu_seqlens);
  const Tensor hidden = model.hidden_states(packed.tokens, pattern, recompute);
  const Tensor loss =
      linear_cross_entropy(hidden, model.output_weight(), packed.target_index, packed.target_ids,
                           {.scale = 1.0 / static_cast<double>(packed.target_ids.numel()),
                            .soft_cap = model.config().logit_soft_cap});
  torch::autograd::backward({loss}, {});
  for (const Parameter& parameter : model.parameters().all()) {
    gradients[parameter.name] = parameter.value.grad().to(at::kDouble);
  }
  return loss.item<double>();
}

double largest_difference(const Tensor& ours, const Json& expected) {
  const Tensor theirs = at::tensor(expected.get<std::vector<double>>(), at::kDouble);
  return (ours.to(at::kDouble) - theirs).abs().max().item<double>();
}

class FamilyReference : public testing::TestWithParam<std::string> {
 protected:
  Json values_ = reference_values(GetParam());
  Packed packed_ = pack_samples(values_.at("samples"));
};

TEST_P(FamilyReference, TokenLogprobsInFloat32) {
  const auto model = reference_model(values_, at::kFloat);
  const std::vector<double> ours = logprobs(*model, packed_);
  const std::vector<double> expected = expected_logprobs(values_.at("token_logprobs"));
  ASSERT_EQ(ours.size(), expected.size());
  for (size_t i = 0; i < ours.size(); ++i) {
    EXPECT_NEAR(ours[i], expected[i], 2e-5) << "token " << i;  // float32 against float64
  }
}

TEST_P(FamilyReference, LossAndEveryGradientInFloat32) {
  const auto model = reference_model(values_, at::kFloat);
  std::map<std::string, Tensor> gradients;
  const double loss = backward(*model, packed_, Recompute::kNothing, gradients);
  const Json& expected = values_.at("gradients");
  EXPECT_NEAR(loss, expected.at("loss").get<double>(), 1e-5);
  EXPECT_EQ(gradients.size(), expected.at("parameters").size());
  for (const auto& [name, entry] : expected.at("parameters").items()) {
    const Tensor& gradient = gradients.at(name);
    const double norm = entry.at("norm").get<double>();
    EXPECT_NEAR(gradient.norm().item<double>(), norm, 1e-4 * norm) << name;
    EXPECT_LT(estimated_distance(gradient, name, entry.at("projections")), 1e-4 * norm) << name;
  }
}

TEST_P(FamilyReference, HiddenStatesAndLogitsInFloat32) {
  const at::NoGradGuard no_grad;
  const auto model = reference_model(values_, at::kFloat);
  PackedAttention pattern(packed_.cu_seqlens);
  const Tensor hidden = model->hidden_states(packed_.tokens, pattern, Recompute::kNothing);
  const Tensor logits =
      capped_logits(hidden, model->output_weight(), model->config().logit_soft_cap);
  for (size_t i = 0; i + 1 < packed_.cu_seqlens.size(); ++i) {
    const int64_t last = packed_.cu_seqlens[i + 1] - 1;
    EXPECT_LT(largest_difference(hidden[last], values_.at("last").at("hidden")[i]), 1e-4) << i;
    EXPECT_LT(largest_difference(logits[last], values_.at("last").at("logits")[i]), 1e-4) << i;
  }
}

TEST_P(FamilyReference, DecodingWithACacheGivesThePackedHiddenStates) {
  const at::NoGradGuard no_grad;
  const auto model = reference_model(values_, at::kFloat);
  PackedAttention pattern(packed_.cu_seqlens);
  const Tensor packed = model->hidden_states(packed_.tokens, pattern, Recompute::kNothing);
  const size_t longest = 4;  // 64 tokens, past every window
  const int64_t begin = packed_.cu_seqlens[longest];
  const int64_t end = packed_.cu_seqlens[longest + 1];
  const int64_t num_prompt = 3;
  const auto slice = [&](int64_t from, int64_t to) -> PackedTokens {
    return {packed_.tokens.token_ids.slice(0, from, to),
            packed_.tokens.positions.slice(0, from, to)};
  };
  KvCache cache(model->config().shape.num_layers);
  CachedAttention prefill({{.rows = {.begin = 0, .end = num_prompt}, .cache = &cache}});
  model->hidden_states(slice(begin, begin + num_prompt), prefill, Recompute::kNothing);
  for (int64_t i = begin + num_prompt; i < end; ++i) {
    CachedAttention decode({{.rows = {.begin = 0, .end = 1}, .cache = &cache}});
    const Tensor one = model->hidden_states(slice(i, i + 1), decode, Recompute::kNothing);
    ASSERT_LT((one[0] - packed[i]).abs().max().item<double>(), 2e-5) << i - begin;
  }
}

TEST_P(FamilyReference, RecomputedLayersGiveTheSameGradients) {
  const auto model = reference_model(values_, at::kFloat);
  std::map<std::string, Tensor> kept;
  std::map<std::string, Tensor> recomputed;
  EXPECT_EQ(backward(*model, packed_, Recompute::kNothing, kept),
            backward(*model, packed_, Recompute::kLayers, recomputed));
  for (const auto& [name, gradient] : kept) {
    EXPECT_TRUE(at::equal(gradient, recomputed.at(name))) << name;
  }
}

TEST_P(FamilyReference, Bf16IsAtMostHalfAgainAsFarOffAsTransformers) {
  const auto half = reference_model(values_, at::kBFloat16);
  const Json& bf16 = values_.at("bf16");
  const std::vector<double> ours = logprobs(*half, packed_);
  const std::vector<double> exact = expected_logprobs(bf16.at("token_logprobs"));
  double sum = 0;
  for (size_t i = 0; i < ours.size(); ++i) {
    sum += (ours[i] - exact[i]) * (ours[i] - exact[i]);
  }
  EXPECT_LT(std::sqrt(sum / static_cast<double>(ours.size())),
            1.5 * bf16.at("transformers").at("logprob_rms_error").get<double>());

  // The same rounded weights in float32 are exact beside bf16's errors.
  const auto wide = reference_model(values_, at::kFloat);
  for (size_t i = 0; i < half->parameters().all().size(); ++i) {
    wide->parameters().all()[i].value.copy_(half->parameters().all()[i].value);
  }
  std::map<std::string, Tensor> exact_gradients;
  std::map<std::string, Tensor> gradients;
  backward(*wide, packed_, Recompute::kNothing, exact_gradients);
  backward(*half, packed_, Recompute::kNothing, gradients);
  double difference = 0;
  double whole = 0;
  for (const auto& [name, gradient] : exact_gradients) {
    difference += (gradients.at(name) - gradient).square().sum().item<double>();
    whole += gradient.square().sum().item<double>();
  }
  EXPECT_LT(std::sqrt(difference / whole),
            1.5 * bf16.at("transformers").at("gradient_relative_error").get<double>());
}

INSTANTIATE_TEST_SUITE_P(Models, FamilyReference, testing::ValuesIn(reference_model_names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace sft
