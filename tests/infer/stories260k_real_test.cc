// A real model end to end: stories260K of ../shared, in llama2.c's format, converted here to a
// model folder and generated from. The expected text is that of a float64 implementation in numpy.

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temp_folder.h"

#include "sft/infer/engine.h"
#include "sft/io/file.h"
#include "sft/io/json.h"
#include "sft/io/safetensors.h"
#include "sft/model/weights.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

namespace fs = std::filesystem;
using at::Tensor;

constexpr int32_t kBos = 1;
constexpr int32_t kEos = 2;

// Reads numbers one after another.
class Bytes {
 public:
  explicit Bytes(std::string bytes) : bytes_(std::move(bytes)) {}
  std::string take(size_t count) {
    const std::string part = bytes_.substr(place_, count);
    EXPECT_EQ(part.size(), count);
    place_ += count;
    return part;
  }
  int32_t take_int() {
    int32_t value = 0;
    std::memcpy(&value, take(sizeof(value)).data(), sizeof(value));
    return value;
  }
  Tensor take_floats(at::IntArrayRef shape) {
    const Tensor values = at::empty(shape, at::kFloat);
    const std::string raw = take(static_cast<size_t>(values.numel()) * sizeof(float));
    std::memcpy(values.mutable_data_ptr(), raw.data(), raw.size());
    return values;
  }

 private:
  std::string bytes_;
  size_t place_ = 0;
};

// llama2.c rotates neighbouring rows of a head, transformers row i of the first half with row i of
// the second.
Tensor halves_apart(const Tensor& weight, int64_t head_dim) {
  return weight.view({-1, head_dim / 2, 2, weight.size(1)}).transpose(1, 2).reshape_as(weight);
}

// Seven int32: dim, hidden, layers, heads, kv_heads, vocab, seq; then float32: the embedding, each
// kind of a layer's weights for all layers, the last norm. The output matrix is the embedding.
void write_model_folder(const fs::path& file, const fs::path& folder) {
  Bytes bytes(read_file(file));
  const int64_t dim = bytes.take_int();
  const int64_t hidden = bytes.take_int();
  const int64_t layers = bytes.take_int();
  const int64_t heads = bytes.take_int();
  const int64_t kv_heads = bytes.take_int();
  const int64_t vocab = bytes.take_int();
  const int64_t context = bytes.take_int();
  const int64_t head_dim = dim / heads;
  std::map<std::string, Tensor> tensors;
  tensors["model.embed_tokens.weight"] = bytes.take_floats({vocab, dim});
  const auto take_layers = [&](const std::string& name, std::vector<int64_t> shape, bool rotated) {
    for (int64_t layer = 0; layer < layers; ++layer) {
      const Tensor weight = bytes.take_floats(shape);
      tensors["model.layers." + std::to_string(layer) + "." + name + ".weight"] =
          rotated ? halves_apart(weight, head_dim) : weight;
    }
  };
  take_layers("input_layernorm", {dim}, false);
  take_layers("self_attn.q_proj", {dim, dim}, true);
  take_layers("self_attn.k_proj", {kv_heads * head_dim, dim}, true);
  take_layers("self_attn.v_proj", {kv_heads * head_dim, dim}, false);
  take_layers("self_attn.o_proj", {dim, dim}, false);
  take_layers("post_attention_layernorm", {dim}, false);
  take_layers("mlp.gate_proj", {hidden, dim}, false);
  take_layers("mlp.down_proj", {dim, hidden}, false);
  take_layers("mlp.up_proj", {hidden, dim}, false);
  tensors["model.norm.weight"] = bytes.take_floats({dim});
  const Json config = {{"model_type", "llama"},
                       {"hidden_act", "silu"},
                       {"vocab_size", vocab},
                       {"hidden_size", dim},
                       {"intermediate_size", hidden},
                       {"num_hidden_layers", layers},
                       {"num_attention_heads", heads},
                       {"num_key_value_heads", kv_heads},
                       {"max_position_embeddings", context},
                       {"rms_norm_eps", 1e-5},
                       {"rope_theta", 10000.0},
                       {"tie_word_embeddings", true},
                       {"torch_dtype", "float32"}};
  write_file(folder / "config.json", dump_json(config, JsonLayout::kIndented));
  std::vector<NamedTensor> named;
  for (const auto& [name, tensor] : tensors) {
    named.push_back({name, as_view(tensor)});
  }
  write_safetensors_folder(folder, named);
}

// llama2.c's tokenizer: int32, then {float32 score, int32 length, bytes} a token; "<0x0A>" is a
// byte.
class Stories final : public Tokenizer {
 public:
  Stories(const fs::path& file, int32_t vocab) {
    Bytes bytes(read_file(file));
    bytes.take_int();
    for (int32_t id = 0; id < vocab; ++id) {
      bytes.take_int();
      const int32_t length = bytes.take_int();
      tokens_.push_back(bytes.take(static_cast<size_t>(length)));
    }
  }
  Encoding encode(std::string_view /*text*/, SpecialTokens /*special*/) const override {
    return {};
  }
  std::string token_bytes(int32_t id) const override {
    const std::string text = token(id);
    if (text.size() == 6 && text.starts_with("<0x")) {
      return std::string(1, static_cast<char>(std::stoi(text.substr(3, 2), nullptr, 16)));
    }
    return text;
  }
  std::string token(int32_t id) const override { return tokens_.at(static_cast<size_t>(id)); }
  std::optional<int32_t> id_of(std::string_view /*token*/) const override { return {}; }
  bool is_special(int32_t id) const override { return id == kBos || id == kEos; }
  int32_t vocab_size() const override { return static_cast<int32_t>(tokens_.size()); }
  std::optional<int32_t> bos_id() const override { return kBos; }
  std::optional<int32_t> eos_id() const override { return kEos; }

 private:
  std::vector<std::string> tokens_;
};

TEST(Stories260K, GivesTheExpectedText) {
  if (shared_folder().empty()) {
    GTEST_SKIP() << "no ../shared beside the checkout";
  }
  const fs::path stories = shared_folder() / "data" / "models" / "stories260K";
  const TempFolder temp;
  write_model_folder(stories / "stories260K.bin", temp.path());
  ModelFolder loaded = load_model(temp.path(), at::kFloat, at::kCPU);
  const auto vocab = static_cast<int32_t>(loaded.config.shape.vocab_size);
  Engine engine(std::move(loaded.model), std::make_unique<Stories>(stories / "tok512.bin", vocab));
  const Json expected = read_json(stories / "expected_greedy.json");
  const auto ids = expected.at("ids").get<std::vector<int32_t>>();

  GenerateRequest request;
  request.prompt_ids = {kBos};
  request.max_new_tokens = static_cast<int64_t>(ids.size());
  const GenerateResult result = engine.generate(std::vector{request}, nullptr)[0];
  EXPECT_EQ(result.token_ids, ids);
  EXPECT_EQ(result.text, expected.at("text").get<std::string>());

  const auto logprobs = expected.at("logprob_of_chosen").get<std::vector<double>>();
  const std::vector<ScoreRequest> score = {{.prompt_ids = {kBos}, .completion_ids = ids}};
  EXPECT_THAT(engine.score(score, nullptr)[0].token_logprobs,
              testing::Pointwise(testing::DoubleNear(1e-4), logprobs));
}

}  // namespace
}  // namespace sft
