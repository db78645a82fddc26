#pragma once

#include <memory>
#include <string>
#include <vector>

#include "text/working_text.h"

#include "sft/io/json.h"

namespace sft {

// One step on the way from a text to words: cuts each piece further. Immutable.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual void apply(WorkingText& text) const = 0;
};

// The steps that `spec`, the "pre_tokenizer" of a byte-level tokenizer.json, asks for: ByteLevel,
// alone or as the last of a Sequence, and Split and Digits before it. `where` opens messages.
// Throws Error, naming the kind, for what is not supported.
std::vector<std::unique_ptr<PreTokenizer>> byte_level_pre_tokenizers(const Json& spec,
                                                                     const std::string& where);

}  // namespace sft
