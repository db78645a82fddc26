#include "sft/estimate/model_shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message_of.h"

#include "sft/core/error.h"

namespace sft {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

Json tiny_config() {
  return {{"model_type", "llama"},    {"vocab_size", 10},           {"hidden_size", 8},
          {"intermediate_size", 6},   {"num_hidden_layers", 2},     {"num_attention_heads", 4},
          {"num_key_value_heads", 2}, {"tie_word_embeddings", true}};
}

struct Published {
  const char* name;
  int64_t vocab, hidden, intermediate, layers, heads, kv_heads;
  bool is_tied;
  int64_t parameters;  // as published with the model
};

class PublishedModels : public testing::TestWithParam<Published> {};

TEST_P(PublishedModels, CountTheirParameters) {
  const Published& model = GetParam();
  const ModelShape shape = read_model_shape({{"model_type", "llama"},
                                             {"vocab_size", model.vocab},
                                             {"hidden_size", model.hidden},
                                             {"intermediate_size", model.intermediate},
                                             {"num_hidden_layers", model.layers},
                                             {"num_attention_heads", model.heads},
                                             {"num_key_value_heads", model.kv_heads},
                                             {"tie_word_embeddings", model.is_tied}},
                                            "config.json");
  EXPECT_EQ(shape.num_parameters(), model.parameters);
}

INSTANTIATE_TEST_SUITE_P(
    Llamas, PublishedModels,
    testing::Values(Published{"SmolLM2_135M", 49152, 576, 1536, 30, 9, 3, true, 134'515'008},
                    Published{"TinyLlama_1B", 32000, 2048, 5632, 22, 32, 4, false, 1'100'048'384},
                    Published{"Llama2_7B", 32000, 4096, 11008, 32, 32, 32, false, 6'738'415'616},
                    Published{"Llama3_8B", 128256, 4096, 14336, 32, 32, 8, false, 8'030'261'248}),
    [](const auto& info) { return info.param.name; });

TEST(ModelShape, BiasesCount) {
  Json config = tiny_config();
  const int64_t without = read_model_shape(config, "c").num_parameters();
  config["attention_bias"] = true;
  config["mlp_bias"] = true;
  // Of each of 2 layers: q 8, k 4, v 4, o 8; gate 6, up 6, down 8.
  EXPECT_EQ(read_model_shape(config, "c").num_parameters(), without + 2 * (24 + 20));
}

TEST(ModelShape, CountsArithmeticOfEachProduct) {
  const ModelShape shape = read_model_shape(tiny_config(), "c");
  // A layer's matrices have 8*8 + 8*4 + 8*4 + 8*8 + 3*8*6 = 336 numbers; a sample of 3 tokens looks
  // at 1, 2, 3 tokens, 2 on average, with 8 numbers of q each, for scores and for values.
  EXPECT_EQ(shape.layer_flops(3), 2 * 2 * (336 + 2 * 8 * 2));
  EXPECT_EQ(shape.output_flops(), 2 * 8 * 10);
}

TEST(ModelShape, TakesBothStylesOfDtype) {
  Json config = tiny_config();
  config["torch_dtype"] = "float16";
  EXPECT_EQ(read_model_shape(config, "c").dtype, "float16");
  config["dtype"] = "bfloat16";
  EXPECT_EQ(read_model_shape(config, "c").dtype, "bfloat16");
}

// What a family's files leave out, and what its layers hold, as transformers has it.
TEST(ModelShape, FamiliesHaveTheirOwnDefaults) {
  Json config = tiny_config();
  config.erase("tie_word_embeddings");
  config.erase("num_key_value_heads");
  config["num_attention_heads"] = 32;
  config["hidden_size"] = 128;
  const auto shape_of = [&](const char* family) {
    config["model_type"] = family;
    return read_model_shape(config, "c");
  };
  EXPECT_EQ(shape_of("llama").num_kv_heads, 32);
  EXPECT_EQ(shape_of("mistral").num_kv_heads, 8);
  EXPECT_EQ(shape_of("gemma2").head_dim, 256);
  EXPECT_EQ(shape_of("gemma2").num_kv_heads, 4);
  EXPECT_TRUE(shape_of("gemma2").has_tied_embeddings);
  EXPECT_EQ(shape_of("qwen3").head_dim, 128);
  EXPECT_EQ(shape_of("qwen2").head_dim, 4);
  EXPECT_EQ(shape_of("mistral").context_length, 131072);
  config["num_key_value_heads"] = nullptr;
  EXPECT_EQ(shape_of("mistral").num_kv_heads, 32);
}

TEST(ModelShape, NormsAndBiasesFollowTheFamily) {
  Json config = tiny_config();  // hidden 8, heads 4 of 2, key heads 2
  const int64_t llama = read_model_shape(config, "c").num_parameters();
  const auto difference = [&](const char* family) {
    config["model_type"] = family;
    config["head_dim"] = 2;
    return read_model_shape(config, "c").num_parameters() - llama;
  };
  EXPECT_EQ(difference("mistral"), 0);
  EXPECT_EQ(difference("olmo"), -2 * 16 - 8);
  EXPECT_EQ(difference("olmo2"), 2 * (8 + 4));
  EXPECT_EQ(difference("qwen3"), 2 * (2 + 2));
  EXPECT_EQ(difference("qwen2"), 2 * (8 + 4 + 4));
  EXPECT_EQ(difference("gemma2"), 2 * 16);
}

TEST(ModelShape, WindowsFollowTheFamilyAndTheFile) {
  Json config = tiny_config();
  const auto windows = [&](const char* family) {
    config["model_type"] = family;
    return read_model_shape(config, "c").layer_windows;
  };
  EXPECT_THAT(windows("llama"), ElementsAre(0, 0));
  EXPECT_THAT(windows("mistral"), ElementsAre(4096, 4096));  // transformers' default
  config["sliding_window"] = 3;
  EXPECT_THAT(windows("llama"), ElementsAre(0, 0));
  EXPECT_THAT(windows("mistral"), ElementsAre(3, 3));
  EXPECT_THAT(windows("gemma2"), ElementsAre(3, 0));
  EXPECT_THAT(windows("qwen2"), ElementsAre(0, 0));
  config["use_sliding_window"] = true;
  EXPECT_THAT(windows("qwen2"), ElementsAre(0, 0));  // layers from 28 on
  config["max_window_layers"] = 1;
  EXPECT_THAT(windows("qwen2"), ElementsAre(0, 3));
  config["max_window_layers"] = 0;
  EXPECT_THAT(windows("qwen3"), ElementsAre(3, 3));
  config["layer_types"] = {"full_attention", "sliding_attention"};
  EXPECT_THAT(windows("gemma2"), ElementsAre(0, 3));
  EXPECT_THAT(windows("qwen3"), ElementsAre(0, 3));
  config.erase("layer_types");
  config["sliding_window"] = nullptr;
  EXPECT_THAT(windows("mistral"), ElementsAre(0, 0));
}

TEST(ModelShape, AWindowBoundsTheTokensLookedAt) {
  Json config = tiny_config();
  config["model_type"] = "mistral";
  config["sliding_window"] = 2;
  // Of 3 tokens, the first sees 1 and the others 2.
  EXPECT_DOUBLE_EQ(read_model_shape(config, "c").layer_flops(3),
                   2 * 2 * (336 + 2 * 8 * (1 + 2 + 2) / 3.0));
  config["sliding_window"] = 3;
  EXPECT_DOUBLE_EQ(read_model_shape(config, "c").layer_flops(3), 2 * 2 * (336 + 2 * 8 * 2));
}

struct HostileWindow {
  const char* name;
  const char* family;
  const char* key;
  Json value;
  const char* message;
};

class HostileWindows : public testing::TestWithParam<HostileWindow> {};

TEST_P(HostileWindows, AreErrors) {
  Json config = tiny_config();
  config["model_type"] = GetParam().family;
  config["use_sliding_window"] = true;
  config[GetParam().key] = GetParam().value;
  EXPECT_THAT(message_of([&] { read_model_shape(config, "m/config.json"); }),
              AllOf(HasSubstr("m/config.json: "), HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Values, HostileWindows,
    testing::Values(
        HostileWindow{"zero", "mistral", "sliding_window", 0, "'sliding_window' is 0, must be at"},
        HostileWindow{"negative", "gemma2", "sliding_window", -5, "'sliding_window' is -5"},
        HostileWindow{"huge", "qwen2", "sliding_window", int64_t{1} << 60, "at most 16777216"},
        HostileWindow{"length", "gemma2", "layer_types", Json::array({"full_attention"}),
                      "'layer_types' has 1 entries, num_hidden_layers is 2"},
        HostileWindow{"kind", "qwen3", "layer_types",
                      Json::array({"full_attention", "chunked_attention"}),
                      "'layer_types' has \"chunked_attention\", must be"},
        HostileWindow{"text", "qwen3", "layer_types", "full_attention", "must be a list"},
        HostileWindow{"partial", "mistral", "layer_types",
                      Json::array({"full_attention", "sliding_attention"}),
                      "sliding_window is every layer's"},
        HostileWindow{"first", "qwen2", "max_window_layers", -1, "'max_window_layers' is -1"}),
    [](const auto& info) { return info.param.name; });

TEST(ModelShape, RefusesLayersWithoutTheirWindow) {
  Json config = tiny_config();
  config["model_type"] = "gemma2";
  config["sliding_window"] = nullptr;
  config["layer_types"] = {"full_attention", "sliding_attention"};
  EXPECT_THAT(message_of([&] { read_model_shape(config, "c"); }),
              HasSubstr("there is no sliding_window in use"));
}

struct Hostile {
  const char* name;
  const char* key;
  Json value;
  const char* message;
};

class HostileConfig : public testing::TestWithParam<Hostile> {};

TEST_P(HostileConfig, IsAnErrorWithKeyAndValue) {
  Json config = tiny_config();
  config[GetParam().key] = GetParam().value;
  try {
    read_model_shape(config, "m/config.json");
    FAIL() << "was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
    EXPECT_THAT(error.what(), HasSubstr("m/config.json: "));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Values, HostileConfig,
    testing::Values(
        Hostile{"negative", "num_hidden_layers", -1, "'num_hidden_layers' is -1, must be at least"},
        Hostile{"zero", "vocab_size", 0, "'vocab_size' is 0"},
        Hostile{"huge", "hidden_size", int64_t{1} << 60, "'hidden_size' is 1152921504606846976"},
        Hostile{"huger", "hidden_size", ~uint64_t{0}, "at most 16777216"},
        Hostile{"many_layers", "num_hidden_layers", 1 << 20, "at most 65536"},
        Hostile{"odd_head", "head_dim", 7, "a head_dim of 7 is odd"},
        Hostile{"negative_head", "head_dim", -2, "'head_dim' is -2"},
        Hostile{"fraction", "hidden_size", 8.5, "must be a whole number"},
        Hostile{"text", "hidden_size", "8", "'hidden_size' is \"8\""},
        Hostile{"null", "hidden_size", nullptr, "'hidden_size' is missing"},
        Hostile{"heads", "num_attention_heads", 3, "8 does not divide into num_attention_heads 3"},
        Hostile{"kv", "num_key_value_heads", 3, "4 is no multiple of num_key_value_heads 3"},
        Hostile{"flag", "tie_word_embeddings", 1, "must be true or false"},
        Hostile{"family", "model_type", "lama", "did you mean 'llama'?"}),
    [](const auto& info) { return info.param.name; });

TEST(ModelShape, RefusesAbsurdProducts) {
  Json config = tiny_config();
  for (const char* const key : {"vocab_size", "hidden_size", "intermediate_size"}) {
    config[key] = 1 << 24;
  }
  EXPECT_THROW(read_model_shape(config, "c"), Error);
}

}  // namespace
}  // namespace sft
