#pragma once

#include <filesystem>
#include <string_view>

#include "sft/io/gguf.h"
#include "sft/io/safetensors.h"

namespace sft {

// transformers' name of a type that weights can be written in, F32, BF16 or F16: "float32",
// "bfloat16", "float16".
std::string_view config_dtype_name(DType dtype);

// Writes a GGUF file's model into `folder` in Hugging Face layout, less its tokenizer: config.json
// (read by transformers 4 and 5), generation_config.json, and the weights as `dtype` (F32, BF16 or
// F16), one tensor in memory at a time. `folder` is the staging folder of an AtomicFolder.
//
// Throws Error, before anything is written: an architecture, a rotary scaling or another feature
// that is not supported, by name; a tensor that is missing, left over or of another shape than the
// metadata says; sizes that contradict each other. While writing: NaN, infinite values, and those
// beyond the range of `dtype`.
void write_gguf_model(const GgufFile& file, DType dtype, const std::filesystem::path& folder);

}  // namespace sft
