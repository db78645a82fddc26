#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "text/token_model.h"
#include "text/vocabulary.h"

namespace sft {

struct CharBpeSpec {
  Vocabulary vocabulary;
  MergeTable merges;
  bool has_byte_fallback = false;  // a character without token is its bytes' tokens
  bool ignores_merges = false;     // a word that is a token is that token, whatever its merges
  std::optional<int32_t> unk_id;   // without it, what has no token is left out
  bool fuses_unk = false;          // unknown characters in a row are one token
};

// Byte-pair encoding over characters (Llama 1 and 2, Mistral, Gemma, Yi as tokenizer.json).
class CharBpeModel final : public TokenModel {
 public:
  explicit CharBpeModel(CharBpeSpec spec);

  void encode(std::string_view word, std::vector<Symbol>& tokens) const override;
  std::optional<int32_t> find(std::string_view token) const override {
    return spec_.vocabulary.find(token);
  }
  std::string token(int32_t id) const override { return std::string(spec_.vocabulary.bytes(id)); }
  int32_t size() const override { return spec_.vocabulary.size(); }

 private:
  class Reader;

  CharBpeSpec spec_;
  std::array<std::optional<int32_t>, 256> byte_ids_;
};

}  // namespace sft
