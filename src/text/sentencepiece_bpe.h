#pragma once

#include <memory>
#include <string>
#include <vector>

#include "text/sentencepiece_file.h"
#include "text/token_model.h"

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace sft {

enum class DummyPrefix { kAsTheFileSays, kNever };

// A sentencepiece model, by the sentencepiece library: its normalizer, BPE or unigram. A "word" is
// a whole stretch of text.
class SentencePieceBpe final : public TokenModel {
 public:
  // `file` is what `bytes` hold. Throws Error where the library refuses them.
  SentencePieceBpe(SentencePieceFile file, std::string_view bytes, DummyPrefix dummy_prefix,
                   const std::string& where);
  ~SentencePieceBpe() override;

  void encode(std::string_view word, std::vector<Symbol>& tokens) const override;
  std::optional<int32_t> find(std::string_view token) const override {
    return vocabulary_.find(token);
  }
  std::string token(int32_t id) const override { return std::string(vocabulary_.bytes(id)); }
  bool is_special(int32_t id) const override;
  int32_t size() const override { return vocabulary_.size(); }

 private:
  bool is_byte(int32_t id) const;

  Vocabulary vocabulary_;
  std::vector<SentencePieceFile::Type> types_;  // by id
  std::unique_ptr<const sentencepiece::SentencePieceProcessor> processor_;
};

}  // namespace sft
