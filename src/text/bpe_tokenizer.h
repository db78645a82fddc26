#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/merge_table.h"
#include "text/pre_tokenizer.h"
#include "text/vocabulary.h"
#include "text/working_text.h"

#include "sft/text/tokenizer.h"

namespace sft {

using Normalizer = std::optional<EditedText> (*)(std::string_view text);

// What makes a byte-level BPE tokenizer.
struct BpeSpec {
  Vocabulary vocabulary;  // of raw bytes, not of the letters that stand for them
  MergeTable merges;
  // Tokens whose strings are not written in byte letters, so that no text gives them.
  std::map<int32_t, std::string> unreachable;
  bool ignores_merges = false;    // a word that is a token is that token, whatever its merges
  std::optional<int32_t> unk_id;  // for bytes that have no token; without it they are left out
  bool fuses_unk = false;
  std::vector<AddedToken> added_tokens;
  std::vector<Normalizer> normalizers;
  std::vector<std::unique_ptr<PreTokenizer>> pre_tokenizers;
  std::vector<int32_t> prefix_ids;  // in front of every text
  std::optional<int32_t> bos_id, eos_id;
};

// Byte-level byte-pair encoding (GPT-2, GPT-NeoX, OLMo, Qwen2, Llama 3, SmolLM): added tokens are
// taken out of the text, the rest is normalised, cut into words, and the bytes of each word merged.
class BpeTokenizer final : public Tokenizer {
 public:
  explicit BpeTokenizer(BpeSpec spec);

  Encoding encode(std::string_view text, SpecialTokens special) const override;
  std::string token_bytes(int32_t id) const override;
  std::string token(int32_t id) const override;
  std::optional<int32_t> id_of(std::string_view token) const override;
  bool is_special(int32_t id) const override;
  int32_t vocab_size() const override { return vocab_size_; }
  std::optional<int32_t> bos_id() const override { return spec_.bos_id; }
  std::optional<int32_t> eos_id() const override { return spec_.eos_id; }

 private:
  class Sink;
  // Whether merging the bytes of a token gives that token; found out when first asked.
  enum class Reach : uint8_t { kUnknown, kYes, kNo };

  using Segment = AddedTokenMatcher::Segment;
  void encode_segment(std::string_view text, const Segment& segment, Sink& sink) const;
  template <typename AddToken>
  void encode_words(const WorkingText& words, const AddToken& add) const;
  void drop_second_bos(Encoding& encoding) const;
  std::optional<int32_t> whole_word(std::string_view word) const;
  void merge_bytes(std::string_view word, std::vector<Symbol>& symbols) const;

  BpeSpec spec_;
  int32_t vocab_size_ = 0;
  std::vector<int32_t> byte_ids_;  // by byte; kNoToken where it has none
  std::map<int32_t, AddedToken> added_by_id_;
  std::map<std::string, int32_t, std::less<>> added_ids_;
  // What added tokens decode to. As the `tokenizers` package's ByteLevel decoder has it, they are
  // read as byte letters where they can be, normalised ones in that form.
  std::map<int32_t, std::string> added_bytes_;
  AddedTokenMatcher raw_matcher_;
  AddedTokenMatcher normalized_matcher_;
  std::unique_ptr<std::atomic<Reach>[]> reaches_;  // by id
};

}  // namespace sft
