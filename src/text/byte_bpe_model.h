#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "text/token_model.h"
#include "text/vocabulary.h"

namespace sft {

// What makes a byte-level BPE model.
struct ByteBpeSpec {
  Vocabulary vocabulary;  // of raw bytes, not of the letters that stand for them
  MergeTable merges;
  // Tokens whose strings are not written in byte letters, so that no text gives them.
  std::map<int32_t, std::string> unreachable;
  bool ignores_merges = false;    // a word that is a token is that token, whatever its merges
  std::optional<int32_t> unk_id;  // for bytes that have no token; without it they are left out
  bool fuses_unk = false;
};

// Byte-level byte-pair encoding (GPT-2, GPT-NeoX, OLMo, Qwen, Llama 3, SmolLM): the bytes of a word
// are merged.
class ByteBpeModel final : public TokenModel {
 public:
  explicit ByteBpeModel(ByteBpeSpec spec);

  void encode(std::string_view word, std::vector<Symbol>& tokens) const override;
  std::optional<int32_t> find(std::string_view token) const override;
  std::string token(int32_t id) const override;
  int32_t size() const override { return size_; }

 private:
  // Whether merging the bytes of a token gives that token; found out when first asked.
  enum class Reach : uint8_t { kUnknown, kYes, kNo };

  std::optional<int32_t> whole_word(std::string_view word) const;
  void merge_bytes(std::string_view word, std::vector<Symbol>& symbols) const;

  ByteBpeSpec spec_;
  int32_t size_;
  std::vector<int32_t> byte_ids_;                  // by byte; kNoToken where it has none
  std::unique_ptr<std::atomic<Reach>[]> reaches_;  // by id
};

}  // namespace sft
