#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "text/added_tokens.h"

namespace sft {

// What tokenizer_config.json says beside tokenizer.json, and special_tokens_map.json where that is
// silent, read as transformers reads them. The tokens' ids are looked up by who knows the
// vocabulary.
struct TokenizerConfig {
  std::vector<AddedToken> tokens;  // added_tokens_decoder, then the named special tokens
  std::optional<std::string> bos, eos;
  // Whether the config has add_bos_token or add_eos_token; then these, not the post-processor,
  // decide what is added.
  bool sets_added_tokens = false;
  bool adds_bos = false;
  // Whether a sentencepiece model's tokenizer_class adds BOS where the config does not say.
  bool adds_bos_by_class = false;
  // False: a space is put before the text alone, not behind special tokens too (sentencepiece).
  bool legacy = true;
};

// The files of `folder`, each optional. Throws Error.
TokenizerConfig read_tokenizer_config(const std::filesystem::path& folder);

}  // namespace sft
