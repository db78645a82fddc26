#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sft/io/json.h"
#include "sft/text/tokenizer.h"

namespace sft {

// What tokens become in running text: the "decoder" of a tokenizer.json.
class TokenDecoder {
 public:
  // Tokens are written in byte letters; those that are not stand for themselves.
  static TokenDecoder byte_level();
  // Reads `spec`: Metaspace, or a Sequence of Replace, ByteFallback, Fuse and Strip as tokenizers
  // made from sentencepiece models have it. Throws Error, naming the kind, for what is not
  // supported.
  static TokenDecoder load(const Json& spec, const std::string& where);

  // Spaces are written as U+2581, byte tokens as "<0x0A>"; the token `unk` stands for `unk_text`.
  static TokenDecoder sentencepiece(DecodeRules rules, std::string unk, std::string unk_text);

  // Of one token; of a byte token its byte.
  std::string bytes(std::string_view token) const;
  bool is_byte(std::string_view token) const;
  const DecodeRules& rules() const { return rules_; }

 private:
  class Loader;
  struct Replacement {
    std::string from, to;
  };

  bool is_byte_level_ = false;
  bool has_byte_tokens_ = false;
  std::vector<Replacement> replacements_;
  std::optional<Replacement> unk_;  // a token as a whole
  DecodeRules rules_;
};

}  // namespace sft
