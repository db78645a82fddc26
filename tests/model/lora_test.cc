// LoRA against peft (tests/reference/lora_reference.py), all samples packed into one sequence.

#include "sft/model/lora.h"

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "lora_reference.h"
#include "message_of.h"

#include "sft/core/error.h"
#include "sft/ops/linear_cross_entropy.h"

namespace sft {
namespace {

using at::Tensor;
using testing::HasSubstr;

// The reference's samples as one sequence. Places are those of tokens that predict another.
struct PackedSamples {
  explicit PackedSamples(const Json& samples) {
    std::vector<int64_t> ids;
    std::vector<int64_t> positions;
    std::vector<int64_t> places;
    std::vector<int64_t> next_ids;
    std::vector<uint8_t> is_trained;
    for (const Json& sample : samples) {
      const auto token_ids = sample.at("token_ids").get<std::vector<int64_t>>();
      for (size_t i = 0; i < token_ids.size(); ++i) {
        if (i > 0) {
          places.push_back(static_cast<int64_t>(ids.size()) - 1);
          next_ids.push_back(token_ids[i]);
          is_trained.push_back(i >= sample.at("num_prompt").get<size_t>() ? 1 : 0);
        }
        ids.push_back(token_ids[i]);
        positions.push_back(static_cast<int64_t>(i));
      }
      rows.sample_ids.push_back(std::to_string(rows.sample_ids.size()));
      rows.cu_seqlens.push_back(static_cast<int32_t>(ids.size()));
    }
    const Tensor chosen = at::tensor(is_trained).to(at::kBool);
    tokens = {at::tensor(ids), at::tensor(positions)};
    all_places = at::tensor(places);
    all_ids = at::tensor(next_ids);
    target_places = all_places.index({chosen});
    target_ids = all_ids.index({chosen});
  }

  PackedTokens tokens;
  TrainingRows rows = {.step = 1, .sample_ids = {}, .cu_seqlens = {0}};
  Tensor all_places;
  Tensor all_ids;
  Tensor target_places;
  Tensor target_ids;
};

Tensor logprobs(const CausalLm& model, const PackedSamples& samples) {
  const at::NoGradGuard no_grad;
  PackedAttention pattern(samples.rows.cu_seqlens);
  const Tensor hidden = model.hidden_states(samples.tokens, pattern, Recompute::kNothing);
  return token_logprobs(hidden.index_select(0, samples.all_places), model.output_weight(),
                        samples.all_ids)
      .logprobs.to(at::kDouble);
}

Tensor expected_logprobs(const Json& lists) {
  std::vector<double> all;
  for (const Json& list : lists) {
    const auto values = list.get<std::vector<double>>();
    all.insert(all.end(), values.begin(), values.end());
  }
  return at::tensor(all, at::kDouble);
}

using Gradients = std::map<std::string, Tensor>;

// The mean loss over all targets, and the adapter's gradients in float64.
double backward(const CausalLm& model, const std::vector<Parameter>& adapter,
                const PackedSamples& samples, Recompute recompute, Gradients& gradients) {
  for (const Parameter& parameter : adapter) {
    parameter.value.set_requires_grad(true);
    parameter.value.mutable_grad().reset();
  }
  const TrainingScope scope(model, samples.rows);
  PackedAttention pattern(samples.rows.cu_seqlens);
  const Tensor hidden = model.hidden_states(samples.tokens, pattern, recompute);
  const Tensor loss =
      linear_cross_entropy(hidden, model.output_weight(), samples.target_places, samples.target_ids,
                           {.scale = 1.0 / static_cast<double>(samples.target_ids.numel())});
  torch::autograd::backward({loss}, {});
  for (const Parameter& parameter : adapter) {
    EXPECT_TRUE(parameter.value.grad().defined()) << parameter.name;
    EXPECT_EQ(parameter.value.grad().scalar_type(), at::kFloat);
    gradients[parameter.name] = parameter.value.grad().to(at::kDouble);
  }
  for (const Parameter& parameter : model.parameters().all()) {
    EXPECT_FALSE(parameter.value.grad().defined()) << parameter.name;
  }
  return loss.item<double>();
}

double relative_difference(const Gradients& one, const Gradients& other) {
  double difference = 0;
  double whole = 0;
  for (const auto& [name, gradient] : other) {
    difference += (one.at(name) - gradient).square().sum().item<double>();
    whole += gradient.square().sum().item<double>();
  }
  return std::sqrt(difference / whole);
}

class LoraReference : public testing::TestWithParam<std::string> {
 protected:
  Json values_ = lora_values(GetParam());
  Json base_ = reference_values(values_.at("model").get<std::string>());
  PackedSamples samples_ = PackedSamples(base_.at("samples"));
};

TEST_P(LoraReference, NamesAndShapes) {
  const auto model = reference_model(base_, at::kFloat);
  const auto adapter = attach_reference_adapter(*model, values_);
  const Json& expected = values_.at("parameters");
  ASSERT_EQ(adapter.size(), expected.size());
  for (const Parameter& parameter : adapter) {
    EXPECT_EQ(Json(parameter.value.sizes().vec()), expected.at(parameter.name)) << parameter.name;
  }
}

TEST_P(LoraReference, TokenLogprobsInFloat32) {
  const auto model = reference_model(base_, at::kFloat);
  attach_reference_adapter(*model, values_);
  const Tensor difference =
      logprobs(*model, samples_) - expected_logprobs(values_.at("token_logprobs"));
  EXPECT_LT(difference.abs().max().item<double>(), 2e-5);  // float32 against float64
  freeze_lora(model->parameters(), at::kFloat);
  const Tensor frozen =
      logprobs(*model, samples_) - expected_logprobs(values_.at("token_logprobs"));
  EXPECT_LT(frozen.abs().max().item<double>(), 2e-5);
  detach_lora(model->parameters());
  const Tensor plain = logprobs(*model, samples_) - expected_logprobs(base_.at("token_logprobs"));
  EXPECT_LT(plain.abs().max().item<double>(), 2e-5);
}

TEST_P(LoraReference, LossAndEveryGradientInFloat32) {
  const auto model = reference_model(base_, at::kFloat);
  const auto adapter = attach_reference_adapter(*model, values_);
  const Json& expected = values_.at("gradients");
  for (const Recompute recompute : {Recompute::kNothing, Recompute::kLayers}) {
    Gradients gradients;
    const double loss = backward(*model, adapter, samples_, recompute, gradients);
    EXPECT_NEAR(loss, expected.at("loss").get<double>(), 1e-5);
    for (const auto& [name, entry] : expected.at("parameters").items()) {
      const Tensor flat = gradients.at(name).flatten();
      const double norm = entry.at("norm").get<double>();
      EXPECT_NEAR(flat.norm().item<double>(), norm, 1e-4 * norm) << name;
      EXPECT_LT(estimated_distance(flat, name, entry.at("projections")), 1e-4 * norm) << name;
    }
  }
}

TEST_P(LoraReference, GradientsInBf16AreNearThoseInFloat32) {
  const auto exact = reference_model(base_, at::kFloat);
  const auto half = reference_model(base_, at::kBFloat16);
  for (size_t i = 0; i < half->parameters().all().size(); ++i) {
    exact->parameters().all()[i].value.copy_(half->parameters().all()[i].value);
  }
  Gradients expected;
  Gradients kept;
  Gradients recomputed;
  backward(*exact, attach_reference_adapter(*exact, values_), samples_, Recompute::kNothing,
           expected);
  const auto adapter = attach_reference_adapter(*half, values_);
  backward(*half, adapter, samples_, Recompute::kNothing, kept);
  backward(*half, adapter, samples_, Recompute::kLayers, recomputed);
  EXPECT_LT(relative_difference(kept, expected), 0.05);
  EXPECT_EQ(relative_difference(kept, recomputed), 0);
}

TEST_P(LoraReference, DropoutIsTheSameRecomputedAndAnotherEachStep) {
  const auto model = reference_model(base_, at::kFloat);
  const auto adapter = attach_reference_adapter(*model, values_);
  for (const auto& site : model->parameters().linear_sites()) {
    if (site->lora.has_value()) {
      site->lora->dropout = 0.3;
    }
  }
  Gradients kept;
  Gradients recomputed;
  Gradients next_step;
  const double loss = backward(*model, adapter, samples_, Recompute::kNothing, kept);
  EXPECT_EQ(backward(*model, adapter, samples_, Recompute::kLayers, recomputed), loss);
  EXPECT_EQ(relative_difference(kept, recomputed), 0);
  EXPECT_NE(loss, values_.at("gradients").at("loss").get<double>());
  samples_.rows.step = 2;
  EXPECT_NE(backward(*model, adapter, samples_, Recompute::kNothing, next_step), loss);
  // Outside of training nothing is dropped.
  const Tensor difference =
      logprobs(*model, samples_) - expected_logprobs(values_.at("token_logprobs"));
  EXPECT_LT(difference.abs().max().item<double>(), 2e-5);
}

INSTANTIATE_TEST_SUITE_P(Cases, LoraReference, testing::ValuesIn(lora_case_names()),
                         [](const auto& info) { return info.param; });

// The gradient under dropout is that of the function with this mask: checked by differences.
TEST(Lora, DropoutHasTheRightGradient) {
  const Json values = lora_values("all_linear");
  const Json base = reference_values("llama_tied_gqa");
  const PackedSamples samples(base.at("samples"));
  const auto model = reference_model(base, at::kFloat);
  const auto adapter = attach_reference_adapter(*model, values);
  for (const auto& site : model->parameters().linear_sites()) {
    site->lora->dropout = 0.3;
  }
  Gradients gradients;
  backward(*model, adapter, samples, Recompute::kNothing, gradients);
  Gradients unused;
  for (const size_t index : {size_t{0}, size_t{1}, adapter.size() - 1}) {
    const Tensor value = adapter[index].value.detach();
    const Tensor direction = gradients.at(adapter[index].name).to(at::kFloat);
    const double norm = direction.norm().item<double>();
    const double step = 1e-2 / norm;
    value.add_(direction, step);
    const double above = backward(*model, adapter, samples, Recompute::kNothing, unused);
    value.sub_(direction, 2 * step);
    const double below = backward(*model, adapter, samples, Recompute::kNothing, unused);
    value.add_(direction, step);
    EXPECT_NEAR((above - below) / (2 * step), norm * norm, 0.02 * norm * norm)
        << adapter[index].name;
  }
}

TEST(Lora, BeginsAsTheModelWithItsOwnNumbers) {
  const Json base = reference_values("llama_tied_gqa");
  const PackedSamples samples(base.at("samples"));
  const auto model = reference_model(base, at::kFloat);
  const LoraConfig config;
  const auto places = lora_places(model->parameters(), config, UnmatchedTarget::kRefuse);
  EXPECT_EQ(places.size(), 14U);  // seven in each of two layers, lm_head is not one
  const auto adapter = attach_lora(places, config, 42);
  const Tensor difference =
      logprobs(*model, samples) - expected_logprobs(base.at("token_logprobs"));
  EXPECT_LT(difference.abs().max().item<double>(), 2e-5);
  for (const Parameter& parameter : adapter) {
    const Tensor& value = parameter.value;
    if (parameter.name.ends_with("lora_B.weight")) {
      EXPECT_EQ(value.abs().max().item<double>(), 0) << parameter.name;
      continue;
    }
    const double bound = 1 / std::sqrt(static_cast<double>(value.size(1)));
    EXPECT_LE(value.abs().max().item<double>(), bound);
    EXPECT_GT(value.abs().max().item<double>(), 0.95 * bound);
    EXPECT_NEAR(value.to(at::kDouble).std().item<double>(), bound / std::sqrt(3.0), 0.1 * bound);
    // Known to whoever has the seed and the name.
    const Rng rng(42, parameter.name);
    EXPECT_NEAR(value[1][2].item<double>(),
                bound * (2 * rng.uniform(static_cast<uint64_t>(value.size(1)) + 2) - 1), 1e-7);
  }
}

LoraConfig targets(std::vector<std::string> names) {
  LoraConfig config;
  config.targets = {.is_all_linear = false, .names = std::move(names), .pattern = {}};
  return config;
}

size_t num_places(const CausalLm& model, const LoraConfig& config,
                  UnmatchedTarget unmatched = UnmatchedTarget::kRefuse) {
  return lora_places(model.parameters(), config, unmatched).size();
}

TEST(LoraPlaces, NamesAreWholeOrEndAfterADot) {
  const auto model = reference_model(reference_values("llama_tied_gqa"), at::kFloat);
  EXPECT_EQ(num_places(*model, targets({"q_proj", "v_proj"})), 4U);
  EXPECT_EQ(num_places(*model, targets({"mlp.down_proj"})), 2U);
  EXPECT_EQ(num_places(*model, targets({"model.layers.1.self_attn.k_proj"})), 1U);
  EXPECT_THAT(message_of([&] { num_places(*model, targets({"proj"})); }),
              HasSubstr("lora.targets: unknown linear layer 'proj'"));
}

TEST(LoraPlaces, WhatMatchesNothingIsRefusedWithWhatThereIs) {
  const auto model = reference_model(reference_values("llama_tied_gqa"), at::kFloat);
  EXPECT_THAT(message_of([&] {
                num_places(*model, targets({"q_proj", "q_prj"}));
              }),
              HasSubstr("unknown linear layer 'q_prj' (did you mean 'q_proj'? known: down_proj, "
                        "gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj)"));
  EXPECT_EQ(num_places(*model, targets({"q_proj", "c_attn"}), UnmatchedTarget::kPass), 2U);
  EXPECT_THAT(message_of([&] { num_places(*model, targets({"c_attn"}), UnmatchedTarget::kPass); }),
              HasSubstr("targets 'c_attn' match no linear layer; known: down_proj"));
  EXPECT_THROW(num_places(*model, targets({"lm_head"})), UsageError);
}

TEST(LoraPlaces, APatternMatchesWholeNames) {
  const auto model = reference_model(reference_values("llama_tied_gqa"), at::kFloat);
  LoraConfig config = targets({});
  config.targets.pattern = R"(model\.layers\.\d+\.self_attn\.[qv]_proj)";
  EXPECT_EQ(num_places(*model, config), 4U);
  config.targets.pattern = "self_attn.q_proj";
  EXPECT_THROW(num_places(*model, config), UsageError);
  config.targets.pattern = "(";
  EXPECT_THAT(message_of([&] { num_places(*model, config); }),
              HasSubstr("target_modules: '(' is no regular expression"));
  config.targets.pattern = "(?:(?:[a-z._0-9]+)+)+[!?]";
  EXPECT_THAT(message_of([&] { num_places(*model, config); }), HasSubstr("takes too many steps"));
}

}  // namespace
}  // namespace sft
