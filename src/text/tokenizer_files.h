#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "text/added_tokens.h"

#include "sft/io/json.h"

namespace sft {

// A BPE tokenizer as it is written to a model folder.
struct TokenizerFiles {
  struct Token {
    std::string text;  // in byte letters, where the model is of bytes
    int32_t id;
  };
  std::vector<Token> vocab;                                 // by id
  std::vector<std::pair<std::string, std::string>> merges;  // by rank
  bool ignores_merges = false;
  bool has_byte_fallback = false;        // then the model is of characters, and unknown ones fuse
  std::vector<AddedToken> added_tokens;  // by id; those that stand in `vocab`, or behind it
  Json normalizer;                       // as in tokenizer.json; null: none
  Json pre_tokenizer;
  Json decoder;  // null: ByteLevel
  bool adds_bos = false;
  std::optional<std::string> bos, eos, pad, unk;
  std::optional<std::string> chat_template;
  std::optional<int64_t> model_max_length;
};

// Writes tokenizer.json, tokenizer_config.json and special_tokens_map.json, as transformers 4 and
// 5 load them unchanged.
void write_tokenizer_files(const TokenizerFiles& files, const std::filesystem::path& folder);

// {"type": "ByteLevel", ...}, with GPT-2's words or without.
Json byte_level_json(bool uses_regex);

}  // namespace sft
