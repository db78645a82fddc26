#pragma once

#include <cstdint>
#include <string>

#include "sft/text/tokenizer.h"

namespace sft {

// Decodes ids one at a time into text that can be shown at once: what is given out is never taken
// back, and no character is broken. Bytes of a character that later tokens may complete wait; what
// cannot be completed is U+FFFD. All that is given out, joined, is `decode` of all ids. Calls:
// push* finish.
class StreamDecoder {
 public:
  // Borrows the tokenizer.
  explicit StreamDecoder(const Tokenizer& tokenizer, DecodeSpecial special = DecodeSpecial::kKeep)
      : tokenizer_(tokenizer), special_(special) {}

  // The text that is complete with this id. Throws Error for an id that is not in the vocabulary.
  std::string push(int32_t id);
  // What still waits; the end of the text.
  std::string finish();

 private:
  const Tokenizer& tokenizer_;
  DecodeSpecial special_;
  std::string pending_;  // the beginning of a character
};

}  // namespace sft
