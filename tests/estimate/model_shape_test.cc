#include "sft/estimate/model_shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sft/core/error.h"

namespace sft {
namespace {

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
