#pragma once

#include <filesystem>

#include "sft/io/gguf.h"

namespace sft {

// Writes the tokenizer that a GGUF file holds to an existing folder, as tokenizer.json,
// tokenizer_config.json and special_tokens_map.json that transformers loads unchanged. Throws
// Error, before anything is written: a kind of tokenizer or a pre-tokenizer that is not supported,
// by name, or tables that do not fit together.
void write_gguf_tokenizer(const GgufFile& file, const std::filesystem::path& folder);

}  // namespace sft
