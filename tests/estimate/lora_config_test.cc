#include "sft/estimate/lora_config.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message_of.h"

#include "sft/core/error.h"

namespace sft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

// What peft 0.21 writes for get_peft_model(..., LoraConfig(r=4, target_modules=["q_proj"])).
constexpr const char* kWritten =
    R"({"alora_invocation_tokens": null, "alpha_pattern": {}, "arrow_config": null,
 "auto_mapping": null, "base_model_name_or_path": "models/tiny", "bias": "none",
 "corda_config": null, "ensure_weight_tying": false, "eva_config": null, "exclude_modules": null,
 "fan_in_fan_out": false, "inference_mode": true, "init_lora_weights": true, "kasa_config": null,
 "layer_replication": null, "layers_pattern": null, "layers_to_transform": null,
 "loftq_config": {}, "lora_alpha": 8, "lora_bias": false, "lora_dropout": 0.05,
 "lora_ga_config": null, "megatron_config": null, "megatron_core": "megatron.core",
 "modules_to_save": null, "monteclora_config": null, "peft_type": "LORA",
 "peft_version": "0.21.2", "qalora_group_size": 16, "r": 4, "rank_pattern": {}, "revision": null,
 "target_modules": ["v_proj", "q_proj"], "target_parameters": null, "task_type": "CAUSAL_LM",
 "trainable_token_indices": null, "use_bdlora": null, "use_dora": false, "use_qalora": false,
 "use_rslora": false, "velora_config": null})";

Json written() {
  return parse_json(kWritten, "test");
}

AdapterConfig parse(const Json& json) {
  return parse_adapter_config(json, "a.json");
}

TEST(AdapterConfig, ReadsWhatPeftWrites) {
  const AdapterConfig config = parse(written());
  EXPECT_EQ(config.lora.rank, 4);
  EXPECT_EQ(config.lora.alpha, 8);
  EXPECT_EQ(config.lora.dropout, 0.05);
  EXPECT_FALSE(config.lora.targets.is_all_linear);
  EXPECT_THAT(config.lora.targets.names, ElementsAre("q_proj", "v_proj"));
  EXPECT_FALSE(config.lora.is_rank_stabilized);
  EXPECT_EQ(config.base_model, "models/tiny");
}

TEST(AdapterConfig, ReadsPatternsInTheirOrder) {
  Json json = written();
  json["use_rslora"] = true;
  json["target_modules"] = ".*_proj";
  json["rank_pattern"] = {{"z_proj", 2}, {"a_proj", 3}};
  json["alpha_pattern"] = {{"layers.1.*", 2.5}};
  const AdapterConfig config = parse(json);
  EXPECT_TRUE(config.lora.is_rank_stabilized);
  EXPECT_EQ(config.lora.targets.pattern, ".*_proj");
  EXPECT_THAT(config.lora.rank_pattern, ElementsAre(Pair("z_proj", 2), Pair("a_proj", 3)));
  EXPECT_THAT(config.lora.alpha_pattern, ElementsAre(Pair("layers.1.*", 2.5)));
}

TEST(AdapterConfig, ReadsTheWordForAllLinearLayers) {
  Json json = written();
  json["target_modules"] = "all-linear";
  EXPECT_TRUE(parse(json).lora.targets.is_all_linear);
}

TEST(AdapterConfig, WhatIsWrittenReadsBackEqual) {
  Json json = written();
  json["rank_pattern"] = {{"z_proj", 2}, {"a_proj", 3}};
  json["alpha_pattern"] = {{"z_proj", 2.5}, {"a_proj", 3}};
  json["use_rslora"] = true;
  const Json once = adapter_config_json(parse(json));
  EXPECT_EQ(adapter_config_json(parse(once)), once);
  EXPECT_EQ(once.at("lora_alpha").dump(), "8");
  EXPECT_EQ(once.at("alpha_pattern").dump(), R"({"z_proj":2.5,"a_proj":3})");
}

struct Refused {
  const char* name;
  const char* key;
  Json value;
  const char* message;
};

class AdapterConfigRefuses : public testing::TestWithParam<Refused> {};

TEST_P(AdapterConfigRefuses, ByName) {
  Json json = written();
  json[GetParam().key] = GetParam().value;
  EXPECT_THAT(message_of([&] { parse(json); }), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Features, AdapterConfigRefuses,
    testing::Values(
        Refused{"dora", "use_dora", true, "a.json: use_dora true is not supported"},
        Refused{"modules", "modules_to_save", Json::array({"lm_head"}),
                "modules_to_save [\"lm_head\"] is not supported"},
        Refused{"bias", "bias", "lora_only", "bias \"lora_only\" is not supported"},
        Refused{"kind", "peft_type", "IA3", "peft_type \"IA3\" is not supported"},
        Refused{"layers", "layers_to_transform", Json::array({0, 1}),
                "layers_to_transform [0, 1] is not supported"},
        Refused{"replication", "layer_replication", Json::array({0, 1}),
                "layer_replication [0, 1] is not supported"},
        Refused{"transposed", "fan_in_fan_out", true, "fan_in_fan_out true is not supported"},
        Refused{"base_changed", "init_lora_weights", "pissa_niter_4",
                "init_lora_weights \"pissa_niter_4\" is not supported"},
        Refused{"tokens", "trainable_token_indices", Json::array({1}),
                "trainable_token_indices [1] is not supported"},
        Refused{"unknown", "use_next_years_lora", true,
                "use_next_years_lora true is not supported"},
        Refused{"rank", "r", 0, "a.json: r is 0, must be from 1"},
        Refused{"huge_rank", "r", int64_t{1} << 40, "r is 1099511627776, must be from 1 to"},
        Refused{"rank_text", "r", "8", "'r'"},
        Refused{"pattern_rank", "rank_pattern", Json{{"q_proj", -1}},
                "rank_pattern 'q_proj' is -1, must be from 1"},
        Refused{"dropout", "lora_dropout", 1.0, "lora_dropout is 1"},
        Refused{"no_targets", "target_modules", nullptr, "target_modules is null"},
        Refused{"target_number", "target_modules", Json::array({1}), "target_modules holds 1"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(AdapterConfig, NoObjectIsRefused) {
  EXPECT_THAT(message_of([] { parse(Json::array()); }), HasSubstr("must hold a JSON object"));
}

}  // namespace
}  // namespace sft
