#include "text/sentencepiece_loader.h"

#include <utility>

#include <fmt/format.h>

#include "text/pipeline_loader.h"
#include "text/sentencepiece_bpe.h"
#include "text/sentencepiece_unigram.h"

#include "sft/core/error.h"

namespace sft {
namespace {

// A space before what begins the whole text; what stands behind a special token gets none.
class FirstSpacePrefix final : public PreTokenizer {
 public:
  void apply(WorkingText& working) const override {
    if (!working.begins_text() || working.text().empty()) {
      return;
    }
    EditedText edited;
    edited.text.append(" ").append(working.text());
    edited.origin.add({0, 1, 0, 0});
    const size_t size = edited.text.size();
    working.replace(std::move(edited), {{0, size}});
  }
};

DecodeRules rules_of(const SentencePieceFile& file) {
  DecodeRules rules;
  rules.broken_bytes = BrokenBytes::kEachByte;
  rules.keeps_space_of_special = true;  // the unknown token's text begins with one
  if (file.removes_extra_spaces) {
    rules.first_space = FirstSpace::kDropOneOfEachToken;
  } else if (file.adds_dummy_prefix) {
    rules.first_space = FirstSpace::kDropOne;
  }
  return rules;
}

}  // namespace

// The first field is a piece, whose first field is its text.
bool is_sentencepiece(std::string_view bytes) {
  return bytes.size() > 4 && bytes[0] == '\x0A';
}

std::unique_ptr<Tokenizer> load_sentencepiece_tokenizer(std::string_view bytes,
                                                        const TokenizerConfig& config,
                                                        const std::string& where) {
  SentencePieceFile file = read_sentencepiece(bytes, where);
  if (file.is_suffix_style) {
    throw Error(fmt::format("{}: treat_whitespace_as_suffix is not supported", where));
  }
  const DecodeRules rules = rules_of(file);
  PipelineSpec spec;
  // Where only the text's beginning gets the space, it is put there, not by the model, which would
  // put one behind each special token.
  const bool prefixes_once = !config.legacy && file.adds_dummy_prefix && !file.removes_extra_spaces;
  if (prefixes_once) {
    spec.pre_tokenizers.push_back(std::make_unique<FirstSpacePrefix>());
    file.adds_dummy_prefix = false;
  }
  spec.bos_id = file.bos_id;
  spec.eos_id = file.eos_id;
  spec.decoder = TokenDecoder::sentencepiece(
      rules, std::string(file.vocabulary.bytes(*file.unk_id)), file.unk_surface);
  if (file.kind == SentencePieceFile::Kind::kUnigram) {
    spec.model = std::make_unique<SentencePieceUnigram>(std::move(file), where);
  } else {
    spec.model = std::make_unique<SentencePieceBpe>(
        std::move(file), bytes, prefixes_once ? DummyPrefix::kNever : DummyPrefix::kAsTheFileSays,
        where);
  }
  if (config.adds_bos_by_class && spec.bos_id.has_value()) {
    spec.prefix_ids = {*spec.bos_id};
  }
  add_config(config, ConfigIds::kTake, where, spec);
  return std::make_unique<PipelineTokenizer>(std::move(spec));
}

}  // namespace sft
