#pragma once

#include <cstdint>
#include <string>

#include "sft/text/tokenizer.h"

namespace sft {

// Decodes ids one at a time into text that can be shown at once: what is given out is never taken
// back, and no character is broken. Bytes of a character that later tokens may complete wait (and
// where the tokenizer's rules look at a run of byte tokens as a whole, the run); what cannot be
// completed is U+FFFD. All that is given out, joined, is `decode` of all ids. Calls:
// push* finish.
class StreamDecoder {
 public:
  // Borrows the tokenizer.
  explicit StreamDecoder(const Tokenizer& tokenizer, DecodeSpecial special = DecodeSpecial::kKeep)
      : tokenizer_(tokenizer), special_(special), rules_(tokenizer.decode_rules()) {}

  // The text that is complete with this id. Throws Error for an id that is not in the vocabulary.
  std::string push(int32_t id);
  // What still waits; the end of the text.
  std::string finish();

 private:
  std::string push_byte(const std::string& byte);
  std::string push_text(std::string bytes);
  std::string end_run();
  // Leaves out what the rules drop of the text's first token.
  void drop_first_space(std::string& bytes);

  const Tokenizer& tokenizer_;
  DecodeSpecial special_;
  DecodeRules rules_;
  std::string pending_;   // the beginning of a character
  std::string run_;       // byte tokens since the last other one
  bool is_first_ = true;  // no token was pushed
  bool is_empty_ = true;  // no text was made
};

}  // namespace sft
