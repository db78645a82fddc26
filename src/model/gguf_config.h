#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sft/io/gguf.h"
#include "sft/io/json.h"

namespace sft {

// A model's sizes by a GGUF file's metadata, checked.
struct GgufSizes {
  int64_t vocab = 0;
  int64_t hidden = 0;
  int64_t intermediate = 0;
  int64_t layers = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t context = 0;
};

// Reads the sizes; refuses by name what changes a model's arithmetic in ways that are not
// supported. `architecture` is the prefix of the keys ("llama"). Throws Error.
GgufSizes read_gguf_sizes(const GgufFile& file, const std::string& architecture);

// What config.json says of the family.
struct GgufFamily {
  std::string architecture;  // GGUF's name, "llama"
  std::string class_name;    // "LlamaForCausalLM"
  std::string model_type;
  Json fields;  // that other families do not have
};

// config.json and generation_config.json. `is_tied`: the output matrix is the embedding.
Json make_config(const GgufFile& file, const GgufFamily& family, const GgufSizes& sizes,
                 std::string_view dtype_name, bool is_tied);
Json make_generation_config(const GgufFile& file, const GgufSizes& sizes);

}  // namespace sft
