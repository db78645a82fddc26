#include "sft/model/model_config.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message_of.h"

#include "sft/core/error.h"
#include "sft/model/causal_lm.h"

namespace sft {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Json tiny_config(const char* family) {
  return {{"model_type", family},     {"vocab_size", 10},       {"hidden_size", 8},
          {"intermediate_size", 6},   {"num_hidden_layers", 2}, {"num_attention_heads", 4},
          {"num_key_value_heads", 2}, {"head_dim", 2}};
}

TEST(ModelConfig, ReadsRotaryPositionsInBothStyles) {
  Json old_style = tiny_config("llama");
  old_style["rope_theta"] = 500000.0;
  const Json llama3 = {{"factor", 8.0},
                       {"low_freq_factor", 1.0},
                       {"high_freq_factor", 4.0},
                       {"original_max_position_embeddings", 8192},
                       {"rope_type", "llama3"}};
  old_style["rope_scaling"] = llama3;
  Json new_style = tiny_config("llama");
  new_style["rope_parameters"] = llama3;
  new_style["rope_parameters"]["rope_theta"] = 500000.0;
  for (const Json& json : {old_style, new_style}) {
    const ModelConfig config = parse_model_config(json, "c");
    EXPECT_EQ(config.rope_theta, 500000.0);
    EXPECT_EQ(config.rope_scaling.kind, RopeScaling::Kind::kLlama3);
    EXPECT_EQ(config.rope_scaling.factor, 8);
    EXPECT_EQ(config.rope_scaling.original_context, 8192);
  }
  Json linear = tiny_config("qwen2");
  linear["rope_scaling"] = {{"type", "linear"}, {"factor", 2.0}};
  EXPECT_EQ(parse_model_config(linear, "c").rope_scaling.kind, RopeScaling::Kind::kLinear);
}

TEST(ModelConfig, GemmasCapsAndScaleHaveDefaultsAndMayBeOff) {
  Json json = tiny_config("gemma2");
  ModelConfig config = parse_model_config(json, "c");
  EXPECT_EQ(config.attention_soft_cap, 50);
  EXPECT_EQ(config.logit_soft_cap, 30);
  EXPECT_EQ(config.attention_scale, 1 / std::sqrt(256.0));
  EXPECT_EQ(config.norm_weight_offset, 1);
  json["attn_logit_softcapping"] = nullptr;
  json["final_logit_softcapping"] = nullptr;
  json["query_pre_attn_scalar"] = 4;
  config = parse_model_config(json, "c");
  EXPECT_EQ(config.attention_soft_cap, 0);
  EXPECT_EQ(config.logit_soft_cap, 0);
  EXPECT_EQ(config.attention_scale, 0.5);
}

TEST(ModelConfig, AFamilysFieldsAreNoOtherFamilys) {
  Json json = tiny_config("llama");
  json["attn_logit_softcapping"] = 5.0;
  json["clip_qkv"] = 3.0;
  const ModelConfig llama = parse_model_config(json, "c");
  EXPECT_EQ(llama.attention_soft_cap, 0);
  EXPECT_EQ(llama.clip_qkv, 0);
  json["model_type"] = "olmo";
  EXPECT_EQ(parse_model_config(json, "c").clip_qkv, 3);
  json["clip_qkv"] = nullptr;
  EXPECT_EQ(parse_model_config(json, "c").clip_qkv, 0);
  EXPECT_EQ(parse_model_config(tiny_config("olmo2"), "c").rms_norm_eps, 1e-5);
  EXPECT_EQ(parse_model_config(tiny_config("qwen3"), "c").rms_norm_eps, 1e-6);
}

TEST(ModelConfig, ThePaddingTokenIsTheFilesOrTheFamilys) {
  EXPECT_EQ(parse_model_config(tiny_config("llama"), "c").padding_id, -1);
  EXPECT_EQ(parse_model_config(tiny_config("olmo"), "c").padding_id, 1);
  EXPECT_EQ(parse_model_config(tiny_config("gemma2"), "c").padding_id, 0);
  const std::pair<Json, int64_t> cases[] = {{nullptr, -1}, {3, 3}, {-1, -1}, {10, -1}};
  for (const auto& [id, expected] : cases) {
    Json json = tiny_config("olmo");
    json["pad_token_id"] = id;
    EXPECT_EQ(parse_model_config(json, "c").padding_id, expected) << id;
  }
}

struct Hostile {
  const char* name;
  const char* family;
  Json change;
  const char* message;
};

class HostileModelConfig : public testing::TestWithParam<Hostile> {};

TEST_P(HostileModelConfig, IsAnErrorWithPlaceAndValue) {
  Json json = tiny_config(GetParam().family);
  json.update(GetParam().change);
  EXPECT_THAT(message_of([&] { parse_model_config(json, "m/config.json"); }),
              AllOf(HasSubstr("m/config.json: "), HasSubstr(GetParam().message)));
}

Json scaling(const Json& fields) {
  return {{"rope_scaling", fields}};
}

INSTANTIATE_TEST_SUITE_P(
    Values, HostileModelConfig,
    testing::Values(
        Hostile{"cap", "gemma2", {{"attn_logit_softcapping", 0.0}}, "must be greater than 0"},
        Hostile{"final_cap",
                "gemma2",
                {{"final_logit_softcapping", -30.0}},
                "final_logit_softcapping is -30, must be greater than 0"},
        Hostile{"scalar", "gemma2", {{"query_pre_attn_scalar", -1}}, "query_pre_attn_scalar is -1"},
        Hostile{"both_ways",
                "gemma2",
                {{"use_bidirectional_attention", true}},
                "use_bidirectional_attention true is not supported"},
        Hostile{"clip", "olmo", {{"clip_qkv", 0}}, "clip_qkv is 0, must be greater than 0"},
        Hostile{"activation",
                "mistral",
                {{"hidden_act", "relu"}},
                "hidden_act 'relu' is not supported, only 'silu'"},
        Hostile{"gemma_activation",
                "gemma2",
                {{"hidden_activation", "gelu"}},
                "only 'gelu_pytorch_tanh'"},
        Hostile{"eps", "qwen2", {{"rms_norm_eps", -1e-6}}, "rms_norm_eps is -1e-06"},
        Hostile{"theta", "llama", {{"rope_theta", 0}}, "rope_theta is 0"},
        Hostile{"yarn", "qwen2", scaling({{"type", "yarn"}, {"factor", 4.0}}),
                "rope_scaling: rope scaling of kind 'yarn' is not supported"},
        Hostile{"dynamic", "llama", scaling({{"rope_type", "dynamic"}, {"factor", 2.0}}),
                "kind 'dynamic' is not supported, only 'default', 'linear' and 'llama3'"},
        Hostile{"no_factor", "llama", scaling({{"rope_type", "linear"}}), "factor is missing"},
        Hostile{"factor", "llama", scaling({{"rope_type", "linear"}, {"factor", -1}}),
                "factor is -1"},
        Hostile{"frequencies", "llama",
                scaling({{"rope_type", "llama3"},
                         {"factor", 8.0},
                         {"low_freq_factor", 4.0},
                         {"high_freq_factor", 4.0},
                         {"original_max_position_embeddings", 8192}}),
                "high_freq_factor 4 must be greater than low_freq_factor 4"},
        Hostile{"scaling_list", "llama", {{"rope_scaling", Json::array({1})}}, "must be an object"},
        Hostile{"context",
                "llama",
                {{"max_position_embeddings", 1 << 24}, {"head_dim", 128}},
                "max_position_embeddings is 16777216, at most"},
        Hostile{"family", "gemma3", Json::object(), "did you mean 'gemma2'?"}),
    [](const auto& info) { return info.param.name; });

// Every family of the shapes' table can be made, and has the parameters that its shape counts.
TEST(ModelConfig, EveryFamilysModelHasTheParametersItsShapeCounts) {
  for (const char* const family :
       {"gemma2", "llama", "mistral", "olmo", "olmo2", "qwen2", "qwen3"}) {
    for (const bool has_bias : {false, true}) {
      Json json = tiny_config(family);
      json["max_position_embeddings"] = 16;
      json["tie_word_embeddings"] = has_bias;
      json["attention_bias"] = has_bias;
      json["mlp_bias"] = has_bias;
      const ModelConfig config = parse_model_config(json, "c");
      EXPECT_EQ(make_model(config, at::kFloat, at::kCPU)->parameters().num_elements(),
                config.shape.num_parameters())
          << family;
    }
  }
}

}  // namespace
}  // namespace sft
