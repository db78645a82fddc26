#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"
#include "text/token_decoder.h"
#include "text/token_model.h"
#include "text/working_text.h"

#include "sft/text/tokenizer.h"

namespace sft {

// What makes a tokenizer that works in steps.
struct PipelineSpec {
  std::unique_ptr<TokenModel> model;
  std::vector<AddedToken> added_tokens;
  std::vector<std::unique_ptr<Normalizer>> normalizers;
  std::vector<std::unique_ptr<PreTokenizer>> pre_tokenizers;
  TokenDecoder decoder;
  std::vector<int32_t> prefix_ids;  // in front of every text
  std::optional<int32_t> bos_id, eos_id;
};

// A tokenizer as the `tokenizers` package has it: added tokens are taken out of the text, the rest
// is normalised, cut into words, and each word taken apart by the model.
class PipelineTokenizer final : public Tokenizer {
 public:
  explicit PipelineTokenizer(PipelineSpec spec);

  Encoding encode(std::string_view text, SpecialTokens special) const override;
  std::string token_bytes(int32_t id) const override;
  std::string token(int32_t id) const override;
  std::optional<int32_t> id_of(std::string_view token) const override;
  bool is_special(int32_t id) const override;
  int32_t vocab_size() const override { return vocab_size_; }
  std::optional<int32_t> bos_id() const override { return spec_.bos_id; }
  std::optional<int32_t> eos_id() const override { return spec_.eos_id; }
  DecodeRules decode_rules() const override { return spec_.decoder.rules(); }
  bool is_byte(int32_t id) const override;

 private:
  class Sink;
  using Segment = AddedTokenMatcher::Segment;
  void encode_segment(std::string_view text, const Segment& segment, Sink& sink) const;
  template <typename AddToken>
  void encode_words(const WorkingText& words, const AddToken& add) const;
  void drop_second_bos(Encoding& encoding) const;

  PipelineSpec spec_;
  int32_t vocab_size_ = 0;
  std::map<int32_t, AddedToken> added_by_id_;
  std::map<std::string, int32_t, std::less<>> added_ids_;
  // What added tokens decode to. As the `tokenizers` package's ByteLevel decoder has it, they are
  // read as byte letters where they can be, normalised ones in that form.
  std::map<int32_t, std::string> added_bytes_;
  AddedTokenMatcher raw_matcher_;
  AddedTokenMatcher normalized_matcher_;
};

}  // namespace sft
