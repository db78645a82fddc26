#pragma once

#include <string>
#include <vector>

#include "text/sentencepiece_file.h"
#include "text/sentencepiece_normalizer.h"
#include "text/unigram_model.h"

namespace sft {

// A unigram model of a sentencepiece file. Our own search, not the library's: which of two ways
// with nearly equal sums wins differs between the library's releases, and systems have old ones.
// This one is that of 0.2.3.
class SentencePieceUnigram final : public TokenModel {
 public:
  SentencePieceUnigram(SentencePieceFile file, const std::string& where);

  void encode(std::string_view word, std::vector<Symbol>& tokens) const override;
  std::optional<int32_t> find(std::string_view token) const override { return model_.find(token); }
  std::string token(int32_t id) const override { return model_.token(id); }
  bool is_special(int32_t id) const override;
  int32_t size() const override { return model_.size(); }

 private:
  std::vector<SentencePieceFile::Type> types_;  // by id
  SentencePieceRules rules_;
  UnigramModel model_;
};

}  // namespace sft
