// A GGUF file: its tensors, and what an import makes of its metadata: sizes, config, tokenizer.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "fuzz.h"
#include "gguf_builder.h"
#include "model/gguf_config.h"

#include "sft/estimate/model_shape.h"
#include "sft/io/gguf.h"
#include "sft/io/gguf_dequantize.h"
#include "sft/text/gguf_tokenizer.h"
#include "sft/text/tokenizer.h"

namespace {

void dequantize_all(const sft::GgufTensor& tensor) {
  size_t count = 1;
  for (const int64_t size : tensor.shape) {
    count *= static_cast<size_t>(size);
  }
  SFT_CHECK(count <= tensor.bytes.size() * 2);  // the smallest type has 4 bits
  std::vector<float> values(count);
  sft::dequantize(tensor, 0, values);
  const auto half = static_cast<ptrdiff_t>(count / 64 * 32);
  sft::dequantize(tensor, static_cast<size_t>(half), {values.begin() + half, values.end()});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sft;  // NOLINT(google-build-using-namespace)
  static const FuzzFolder folder;
  const std::filesystem::path path = folder.write("x.gguf", as_text(data, size));
  expect_taken_or_refused([&] {
    const GgufFile file(path);
    for (const auto& [name, tensor] : file.tensors()) {
      dequantize_all(tensor);
    }
  });
  expect_taken_or_refused([&] {
    const GgufFile file(path);
    const GgufSizes sizes = read_gguf_sizes(file, "llama");
    const GgufFamily family = {.architecture = "llama",
                               .class_name = "LlamaForCausalLM",
                               .model_type = "llama",
                               .fields = Json::object()};
    read_model_shape(make_config(file, family, sizes, "float32", /*is_tied=*/true), "config");
    make_generation_config(file, sizes);
  });
  expect_taken_or_refused([&] {
    write_gguf_tokenizer(GgufFile(path), folder.path());
    load_tokenizer(folder.path());
  });
  return 0;
}

namespace sft {

std::vector<std::string> fuzz_seeds() {
  GgufBuilder small;
  small.string("general.architecture", "llama").integer("general.alignment", 32);
  small.tensor("a", {32, 2}, 2, std::string(36, '\x11'));
  small.tensor_at("b", {4}, 0, 64, std::string(16, '\x3F'));
  GgufBuilder model;
  model.string("general.architecture", "llama")
      .integer("llama.context_length", 128)
      .integer("llama.embedding_length", 64)
      .integer("llama.block_count", 1)
      .integer("llama.feed_forward_length", 96)
      .integer("llama.attention.head_count", 2)
      .integer("llama.attention.head_count_kv", 2)
      .integer("llama.rope.dimension_count", 32)
      .real("llama.attention.layer_norm_rms_epsilon", 1e-5F)
      .real("llama.rope.freq_base", 10000)
      .string("tokenizer.ggml.model", "gpt2")
      .string("tokenizer.ggml.pre", "smollm")
      .strings("tokenizer.ggml.tokens", {"<eos>", "a", "b", "ab", "\u0120"})
      .strings("tokenizer.ggml.merges", {"a b"})
      .integer("tokenizer.ggml.eos_token_id", 0)
      .integer("tokenizer.ggml.bos_token_id", 0)
      .raw("tokenizer.ggml.token_type", 9,
           GgufBuilder::number<uint32_t>(5) + GgufBuilder::number<uint64_t>(5) +
               GgufBuilder::number(3) + GgufBuilder::number(1) + GgufBuilder::number(1) +
               GgufBuilder::number(1) + GgufBuilder::number(1))
      .raw("tokenizer.ggml.add_bos_token", 7, std::string(1, '\0'));
  GgufBuilder kinds;
  uint64_t offset = 0;
  for (const auto& [type, bytes] :
       {std::pair<uint32_t, size_t>{1, 64}, {3, 20}, {6, 22}, {7, 24}, {8, 34}, {30, 64}}) {
    kinds.tensor_at("t" + std::to_string(type), {32}, type, offset, std::string(bytes, '\x5A'));
    offset += (bytes + 31) / 32 * 32;
  }
  return {small.bytes(), model.bytes(), kinds.bytes(2), GgufBuilder().bytes()};
}

std::vector<std::string> fuzz_words() {
  std::vector<std::string> words = {
      "GGUF", "llama", "gpt2", "general.alignment", "qwen2", "general.architecture"};
  for (const char* const key :
       {"tokenizer.ggml.tokens", "tokenizer.ggml.merges", "tokenizer.ggml.scores",
        "tokenizer.ggml.token_type", "tokenizer.ggml.model", "tokenizer.ggml.pre",
        "llama.rope.scaling.type", "llama.expert_count", "llama.vocab_size"}) {
    words.push_back(GgufBuilder::text(key));
  }
  for (uint32_t type = 0; type < 13; ++type) {
    words.push_back(GgufBuilder::number(type));
  }
  return words;
}

}  // namespace sft
