// A model folder's config.json, as far as it decides what is allocated: the sizes by every family's
// rules. (What the model layer reads beside them needs LibTorch; tests/cli has it.)

#include <string>
#include <vector>

#include "fuzz.h"

#include "sft/estimate/model_shape.h"

namespace {

// What the arithmetic behind relies on.
void check_shape(const sft::ModelShape& shape) {
  SFT_CHECK(shape.hidden_size > 0 && shape.vocab_size > 0 && shape.num_layers > 0);
  SFT_CHECK(shape.intermediate_size > 0 && shape.context_length > 0);
  SFT_CHECK(shape.head_dim > 0 && shape.head_dim % 2 == 0);
  SFT_CHECK(shape.num_kv_heads > 0 && shape.num_heads % shape.num_kv_heads == 0);
  SFT_CHECK(shape.layer_windows.empty() ||
            static_cast<int64_t>(shape.layer_windows.size()) == shape.num_layers);
  SFT_CHECK(shape.num_layer_parameters() > 0);
  SFT_CHECK(shape.num_parameters() > shape.num_layer_parameters());
  SFT_CHECK(shape.layer_flops(static_cast<double>(shape.context_length)) > 0);
  SFT_CHECK(shape.output_flops() > 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sft;  // NOLINT(google-build-using-namespace)
  static const FuzzFolder folder;
  const std::filesystem::path path = folder.write("config.json", as_text(data, size));
  expect_taken_or_refused([] { check_shape(load_model_shape(folder.path())); });
  // Checkpoints are written from what was read.
  expect_taken_or_refused([&] {
    const Json json = read_json(path);
    SFT_CHECK(parse_json(dump_json(json, JsonLayout::kIndented), "again") == json);
  });
  return 0;
}

namespace sft {

std::vector<std::string> fuzz_seeds() {
  const std::string sizes =
      R"("hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,)"
      R"( "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 300,)"
      R"( "max_position_embeddings": 256, )";
  const auto config = [&](const std::string& fields) { return "{" + sizes + fields + "}"; };
  return {
      config(R"("model_type": "llama", "tie_word_embeddings": true, "attention_bias": true,)"
             R"( "mlp_bias": true, "torch_dtype": "bfloat16")"),
      config(R"("model_type": "qwen2", "use_sliding_window": true, "sliding_window": 16,)"
             R"( "max_window_layers": 1, "dtype": "float32")"),
      config(R"("model_type": "qwen3", "head_dim": 32, "sliding_window": null,)"
             R"( "layer_types": ["full_attention", "sliding_attention"])"),
      config(R"("model_type": "gemma2", "sliding_window": 128)"),
      config(R"("model_type": "mistral", "sliding_window": 4096)"),
      config(R"("model_type": "olmo")"),
      config(R"("model_type": "olmo2", "rope_scaling": {"rope_type": "yarn"})"),
  };
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
          "\"max_window_layers\"",
          "\"sliding_window\"",
          "\"use_sliding_window\"",
          "\"layer_types\"",
          "\"sliding_attention\"",
          "\"full_attention\"",
          "\"model_type\"",
          "\"llama\"",
          "\"gemma2\"",
          "65536",
          "16777216",
          "null",
          "true",
          "[",
          "{",
          "\\ud800",
          "\"\\u0000\""};
}

}  // namespace sft
