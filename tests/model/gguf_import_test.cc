#include "sft/model/gguf_import.h"

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gguf_builder.h"
#include "message_of.h"
#include "temp_folder.h"

#include "sft/core/error.h"
#include "sft/io/json.h"

namespace sft {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

// A model of 4 heads of 4 elements, 2 of keys; each row of a matrix holds its own number.
struct TinyModel {
  GgufBuilder builder;
  std::vector<std::string> tokens = std::vector<std::string>(10, "t");
  uint32_t vocab = 10;
  uint32_t heads = 4;
  uint32_t layers = 1;
  float epsilon = 1e-5F;
  float first_weight = 0;
  std::string architecture = "llama";

  static std::string rows(uint64_t num_rows, uint64_t size, float first) {
    std::string bytes;
    for (uint64_t i = 0; i < num_rows * size; ++i) {
      const uint64_t row = i / size;
      bytes += GgufBuilder::number(i == 0 ? first : static_cast<float>(row));
    }
    return bytes;
  }
  void matrix(const std::string& name, uint64_t num_rows, uint64_t size) {
    builder.tensor(name, {size, num_rows}, 0, rows(num_rows, size, first_weight));
  }

  void add_metadata() {
    const std::string& a = architecture;
    builder.string("general.architecture", a)
        .integer(a + ".embedding_length", 16)
        .integer(a + ".feed_forward_length", 24)
        .integer(a + ".block_count", layers)
        .integer(a + ".context_length", 64)
        .integer(a + ".attention.head_count", heads)
        .integer(a + ".attention.head_count_kv", 2)
        .integer(a + ".vocab_size", vocab)
        .real(a + ".attention.layer_norm_rms_epsilon", epsilon)
        .strings("tokenizer.ggml.tokens", tokens)
        .integer("tokenizer.ggml.bos_token_id", 1)
        .integer("tokenizer.ggml.eos_token_id", 2);
  }
  void add_tensors() {
    matrix("token_embd.weight", 10, 16);
    builder.tensor("output_norm.weight", {16}, 0, rows(1, 16, 1));
    builder.tensor("blk.0.attn_norm.weight", {16}, 0, rows(1, 16, 1));
    builder.tensor("blk.0.ffn_norm.weight", {16}, 0, rows(1, 16, 1));
    matrix("blk.0.attn_q.weight", 16, 16);
    matrix("blk.0.attn_k.weight", 8, 16);
    matrix("blk.0.attn_v.weight", 8, 16);
    matrix("blk.0.attn_output.weight", 16, 16);
    matrix("blk.0.ffn_gate.weight", 24, 16);
    matrix("blk.0.ffn_up.weight", 24, 16);
    matrix("blk.0.ffn_down.weight", 16, 24);
  }
  std::string bytes() {
    add_metadata();
    add_tensors();
    return builder.bytes();
  }
};

fs::path write_model(const TempFolder& temp, const std::string& gguf, DType dtype = DType::kF32) {
  const GgufFile file(temp.write("x.gguf", gguf));
  fs::create_directory(temp.path() / "model");
  write_gguf_model(file, dtype, temp.path() / "model");
  return temp.path() / "model";
}

// The first element of each row.
std::vector<float> row_numbers(const TensorView& view) {
  std::vector<float> numbers;
  const size_t row_bytes = view.bytes.size() / static_cast<size_t>(view.shape[0]);
  for (size_t offset = 0; offset < view.bytes.size(); offset += row_bytes) {
    std::memcpy(&numbers.emplace_back(), view.bytes.data() + offset, sizeof(float));
  }
  return numbers;
}

TEST(GgufImport, WritesTheConfigInBothStyles) {
  const TempFolder temp;
  const fs::path folder = write_model(temp, TinyModel().bytes(), DType::kBF16);
  const Json config = read_json(folder / "config.json");
  const Json expected = {{"architectures", Json::array({"LlamaForCausalLM"})},
                         {"attention_bias", false},
                         {"attention_dropout", 0.0},
                         {"bos_token_id", 1},
                         {"dtype", "bfloat16"},
                         {"eos_token_id", 2},
                         {"head_dim", 4},
                         {"hidden_act", "silu"},
                         {"hidden_size", 16},
                         {"initializer_range", 0.02},
                         {"intermediate_size", 24},
                         {"max_position_embeddings", 64},
                         {"mlp_bias", false},
                         {"model_type", "llama"},
                         {"num_attention_heads", 4},
                         {"num_hidden_layers", 1},
                         {"num_key_value_heads", 2},
                         {"pad_token_id", nullptr},
                         {"rms_norm_eps", 1e-5},
                         {"rope_parameters", {{"rope_theta", 10000.0}, {"rope_type", "default"}}},
                         {"rope_theta", 10000.0},
                         {"tie_word_embeddings", true},
                         {"torch_dtype", "bfloat16"},
                         {"use_cache", true},
                         {"vocab_size", 10}};
  EXPECT_EQ(dump_json(config, JsonLayout::kIndented), dump_json(expected, JsonLayout::kIndented));
  EXPECT_EQ(read_json(folder / "generation_config.json"),
            Json({{"bos_token_id", 1}, {"eos_token_id", 2}}));
}

TEST(GgufImport, TakesTheHalvesOfQueryAndKeyHeadsApart) {
  const TempFolder temp;
  const SafetensorsFolder files(write_model(temp, TinyModel().bytes()));
  const std::string layer = "model.layers.0.self_attn.";
  EXPECT_THAT(row_numbers(files.tensors().at(layer + "q_proj.weight")),
              ElementsAre(0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15));
  EXPECT_THAT(row_numbers(files.tensors().at(layer + "k_proj.weight")),
              ElementsAre(0, 2, 1, 3, 4, 6, 5, 7));
  EXPECT_THAT(row_numbers(files.tensors().at(layer + "v_proj.weight")),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

// Of each row's own number, 0 first.
std::string bias(uint64_t size) {
  return TinyModel::rows(size, 1, 0);
}

TinyModel tiny_qwen2() {
  TinyModel model;
  model.architecture = "qwen2";
  model.builder.tensor("blk.0.attn_q.bias", {16}, 0, bias(16));
  model.builder.tensor("blk.0.attn_k.bias", {8}, 0, bias(8));
  model.builder.tensor("blk.0.attn_v.bias", {8}, 0, bias(8));
  return model;
}

TEST(GgufImport, Qwen2HasBiasesAndItsRowsStayInTheirOrder) {
  const TempFolder temp;
  const fs::path folder = write_model(temp, tiny_qwen2().bytes());
  const SafetensorsFolder files(folder);
  const std::string layer = "model.layers.0.self_attn.";
  EXPECT_EQ(files.tensors().size(), 14U);
  EXPECT_THAT(row_numbers(files.tensors().at(layer + "k_proj.weight")),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(row_numbers(files.tensors().at(layer + "k_proj.bias")),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(files.tensors().at(layer + "q_proj.bias").shape, ElementsAre(16));
  const Json config = read_json(folder / "config.json");
  EXPECT_EQ(config["model_type"], "qwen2");
  EXPECT_EQ(config["architectures"], Json::array({"Qwen2ForCausalLM"}));
  EXPECT_EQ(config["use_sliding_window"], false);
  EXPECT_FALSE(config.contains("attention_bias"));
}

TEST(GgufImport, Qwen2WithoutABiasIsRefused) {
  const TempFolder temp;
  TinyModel model;
  model.architecture = "qwen2";
  EXPECT_THAT(message_of([&] { write_model(temp, model.bytes()); }),
              HasSubstr("tensor 'blk.0.attn_q.bias' is missing"));
}

TEST(GgufImport, WritesEveryTensorOnceAndTheOutputMatrixWhereThereIsOne) {
  const TempFolder temp;
  EXPECT_EQ(SafetensorsFolder(write_model(temp, TinyModel().bytes())).tensors().size(), 11U);

  const TempFolder untied;
  TinyModel model;
  model.matrix("output.weight", 10, 16);
  const fs::path folder = write_model(untied, model.bytes());
  EXPECT_TRUE(SafetensorsFolder(folder).tensors().contains("lm_head.weight"));
  EXPECT_EQ(read_json(folder / "config.json")["tie_word_embeddings"], false);
}

TEST(GgufImport, RoundsToTheAskedType) {
  TinyModel model;
  model.first_weight = 1.0F / 3;
  const std::string gguf = model.bytes();
  const std::pair<DType, uint16_t> cases[] = {{DType::kBF16, 0x3EAB}, {DType::kF16, 0x3555}};
  for (const auto& [dtype, bits] : cases) {
    const TempFolder temp;
    const SafetensorsFolder files(write_model(temp, gguf, dtype));
    const TensorView& view = files.tensors().at("model.embed_tokens.weight");
    uint16_t first = 0;
    std::memcpy(&first, view.bytes.data(), sizeof(first));
    EXPECT_EQ(view.dtype, dtype);
    EXPECT_EQ(first, bits);
  }
}

TEST(GgufImport, RefusesValuesThatAreNotFinite) {
  struct Case {
    float value;
    DType dtype;
    const char* message;
  };
  const Case cases[] = {
      {std::nanf(""), DType::kF32, "tensor 'token_embd.weight': element [0, 0] is nan, must be"},
      {-INFINITY, DType::kBF16, "element [0, 0] is -inf, must be finite"},
      {70000, DType::kF16, "element [0, 0] is 70000, too large for float16; write float32"},
  };
  for (const Case& c : cases) {
    const TempFolder temp;
    TinyModel model;
    model.first_weight = c.value;
    EXPECT_THAT(message_of([&] { write_model(temp, model.bytes(), c.dtype); }),
                HasSubstr(c.message));
    EXPECT_FALSE(fs::exists(temp.path() / "model" / "model.safetensors"));
  }
}

TEST(GgufImport, RefusesWhatDoesNotFitTogether) {
  struct Case {
    std::function<void(TinyModel&)> change;
    const char* message;
  };
  const Case cases[] = {
      {[](TinyModel& m) { m.vocab = 11; },
       "metadata 'llama.vocab_size' is 11, 'tokenizer.ggml.tokens' has 10"},
      {[](TinyModel& m) { m.tokens.resize(m.vocab = 9); },
       "tensor 'token_embd.weight' has shape [10, 16], [9, 16] by the metadata"},
      {[](TinyModel& m) { m.tokens.resize(m.vocab = 2); },
       "metadata 'tokenizer.ggml.eos_token_id' is 2, the vocabulary has 2 tokens"},
      {[](TinyModel& m) { m.heads = 0; }, "'llama.attention.head_count' is 0, must be 1 to"},
      {[](TinyModel& m) { m.heads = 3; },
       "'llama.embedding_length' 16 is no multiple of 'llama.attention.head_count' 3"},
      {[](TinyModel& m) { m.heads = 1; },
       "'llama.attention.head_count' 1 is no multiple of 'llama.attention.head_count_kv' 2"},
      {[](TinyModel& m) { m.heads = 16; }, "heads of odd size 1 cannot be rotated"},
      {[](TinyModel& m) { m.layers = 2; }, "tensor 'blk.1.attn_norm.weight' is missing"},
      {[](TinyModel& m) { m.layers = 1 << 24; }, "tensor 'blk.1.attn_norm.weight' is missing"},
      {[](TinyModel& m) { m.epsilon = -1; }, "layer_norm_rms_epsilon' is -1, must be greater"},
      {[](TinyModel& m) { m.epsilon = std::nanf(""); }, "layer_norm_rms_epsilon' is nan, must"},
      {[](TinyModel& m) { m.builder.integer("llama.rope.dimension_count", 2); },
       "'llama.rope.dimension_count' is 2, must be the size of a head, 4"},
      {[](TinyModel& m) { m.builder.integer("llama.attention.value_length", 8); },
       "'llama.attention.value_length' is 8, must be the size of a head, 4"},
      {[](TinyModel& m) { m.builder.integer("llama.attention.key_length", 8); },
       "tensor 'blk.0.attn_q.weight' has shape [16, 16], [32, 16] by the metadata"},
      {[](TinyModel& m) { m.builder.string("llama.rope.scaling.type", "linear"); },
       "'llama.rope.scaling.type' is 'linear'; only models without rotary scaling"},
      {[](TinyModel& m) { m.builder.real("llama.rope.scale_linear", 4); },
       "'llama.rope.scale_linear' is 4; only models without rotary scaling"},
      {[](TinyModel& m) { m.builder.integer("llama.expert_count", 8); },
       "'llama.expert_count' is set, such models are not supported"},
      {[](TinyModel& m) { m.builder.integer("split.count", 3); }, "is one of 3 parts of a model"},
      {[](TinyModel& m) { m.builder.string("general.type", "adapter"); }, "holds a 'adapter'"},
      {[](TinyModel& m) { m.matrix("rope_freqs.weight", 1, 2); },
       "tensor 'rope_freqs.weight' scales the rotary frequencies"},
      {[](TinyModel& m) { m.matrix("blk.0.attn_q.bias", 1, 16); },
       "tensor 'blk.0.attn_q.bias' is not part of this architecture"},
      {[](TinyModel& m) { m.matrix("output.weight", 9, 16); },
       "tensor 'output.weight' has shape [9, 16], [10, 16] by the metadata"},
      {[](TinyModel& m) { m.builder = GgufBuilder().string("general.architecture", "lama"); },
       "metadata 'general.architecture': is there twice"},
  };
  for (const Case& c : cases) {
    const TempFolder temp;
    TinyModel model;
    c.change(model);
    EXPECT_THAT(message_of([&] { write_model(temp, model.bytes()); }), HasSubstr(c.message));
    EXPECT_TRUE(!fs::exists(temp.path() / "model") || fs::is_empty(temp.path() / "model"));
  }
}

TEST(GgufImport, NamesAnUnknownArchitecture) {
  const TempFolder temp;
  EXPECT_THAT(
      message_of(
          [&] { write_model(temp, GgufBuilder().string("general.architecture", "lama").bytes()); }),
      HasSubstr("x.gguf: unknown architecture 'lama' (did you mean 'llama'? known: llama, qwen2)"));
  EXPECT_THAT(message_of([&] { write_model(temp, GgufBuilder().bytes()); }),
              HasSubstr("metadata 'general.architecture' is missing"));
}

// A turned bit in the file's head is refused or does no harm.
TEST(GgufImport, AnyDamageIsRefusedOrHarmless) {
  const std::string good = TinyModel().bytes();
  const size_t head = good.find("blk.0.ffn_down.weight") + 64;
  const TempFolder temp;
  fs::create_directory(temp.path() / "model");
  for (size_t place = 0; place < head; place += 5) {
    std::string bad = good;
    bad[place] = static_cast<char>(bad[place] ^ (1 << (place % 8)));
    const fs::path path = temp.write("x.gguf", bad);
    try {
      write_gguf_model(GgufFile(path), DType::kF32, temp.path() / "model");
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::StartsWith(path.string()));
    }
  }
}

}  // namespace
}  // namespace sft
