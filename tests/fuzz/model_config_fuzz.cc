// A model folder's config.json and generation_config.json, the two apart by a zero byte.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz.h"

#include "sft/model/model_config.h"

namespace {

// What the arithmetic behind relies on.
void check_shape(const sft::ModelShape& shape) {
  SFT_CHECK(shape.hidden_size > 0 && shape.vocab_size > 0 && shape.num_layers > 0);
  SFT_CHECK(shape.head_dim > 0 && shape.head_dim % 2 == 0);
  SFT_CHECK(shape.num_kv_heads > 0 && shape.num_heads % shape.num_kv_heads == 0);
  SFT_CHECK(shape.num_parameters() > 0 && shape.num_layer_parameters() > 0);
  SFT_CHECK(shape.layer_flops(static_cast<double>(shape.context_length)) > 0);
  SFT_CHECK(shape.output_flops() > 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sft;  // NOLINT(google-build-using-namespace)
  static const FuzzFolder folder;
  const std::string_view text = as_text(data, size);
  const size_t border = std::min(text.find('\0'), text.size());
  folder.write("config.json", text.substr(0, border));
  folder.write("generation_config.json",
               border == text.size() ? std::string_view("{}") : text.substr(border + 1));
  expect_taken_or_refused([] {
    const ModelConfig config = read_model_config(folder.path());
    check_shape(config.shape);
    for (const int32_t id : config.eos_token_ids) {
      SFT_CHECK(id >= 0 && id < config.shape.vocab_size);
    }
    // Checkpoints are written from it.
    SFT_CHECK(parse_json(dump_json(config.json, JsonLayout::kIndented), "again") == config.json);
  });
  return 0;
}

namespace sft {

std::vector<std::string> fuzz_seeds() {
  const std::string sizes =
      R"("hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,)"
      R"( "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 300,)"
      R"( "max_position_embeddings": 256, "rms_norm_eps": 1e-05)";
  const std::string old_style =
      R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama", )" + sizes +
      R"(, "rope_theta": 10000.0, "rope_scaling": null,)"
      R"( "hidden_act": "silu", "eos_token_id": 2,)"
      R"( "tie_word_embeddings": true, "torch_dtype": "bfloat16"})";
  const std::string new_style =
      R"({"model_type": "llama", )" + sizes +
      R"(, "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"},)"
      R"( "head_dim": 16, "attention_bias": false, "eos_token_id": [2, 3], "dtype": "float32"})";
  return {old_style, new_style, new_style + std::string(1, '\0') + R"({"eos_token_id": [0, 299]})"};
}

std::vector<std::string> fuzz_words() {
  return {"\"hidden_size\"",
          "\"intermediate_size\"",
          "\"num_hidden_layers\"",
          "\"num_attention_heads\"",
          "\"num_key_value_heads\"",
          "\"head_dim\"",
          "\"vocab_size\"",
          "\"max_position_embeddings\"",
          "\"eos_token_id\"",
          "\"rope_scaling\"",
          "\"rope_parameters\"",
          "\"partial_rotary_factor\"",
          "\"model_type\"",
          "\"qwen2\"",
          "\"llama3\"",
          "\"yarn\"",
          "\"rope_type\"",
          "\"quantization_config\"",
          "16777216",
          "null",
          "true",
          "[",
          "{",
          "\\ud800",
          "\"\\u0000\""};
}

}  // namespace sft
