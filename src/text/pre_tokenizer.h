#pragma once

#include <memory>
#include <string>
#include <vector>

#include "text/word_patterns.h"
#include "text/working_text.h"

#include "sft/io/json.h"

namespace sft {

// One step on the way from a text to words: cuts each piece further. Immutable.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual void apply(WorkingText& text) const = 0;
};

struct PreTokenizers {
  std::vector<std::unique_ptr<PreTokenizer>> steps;
  bool is_byte_level = false;  // the model works on bytes, and vocabularies on byte letters
};

// The steps that `spec`, the "pre_tokenizer" of a tokenizer.json, asks for (null: none, the whole
// text is one word). ByteLevel is supported as the last step. `where` opens messages. Throws Error,
// naming the kind, for what is not supported.
PreTokenizers load_pre_tokenizers(const Json& spec, const std::string& where);

// Words as published tokenizers of a style have them.
std::unique_ptr<PreTokenizer> word_split(WordStyle style);

}  // namespace sft
