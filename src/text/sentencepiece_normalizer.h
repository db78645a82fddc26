#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/charsmap.h"
#include "text/prefix_trie.h"

namespace sft {

// How a sentencepiece model normalises a text before it is cut into pieces.
struct SentencePieceRules {
  std::optional<Charsmap> charsmap;
  PrefixTrie kept;  // user-defined pieces, which stay as they are
  bool adds_dummy_prefix = true;
  bool removes_extra_spaces = true;
  bool escapes_spaces = true;  // as U+2581
};

struct NormalizedText {
  std::string text;
  // By byte of `text`, and for its end: where what it comes from begins in the text given.
  std::vector<uint32_t> origin;
};

// `text` is valid UTF-8.
NormalizedText normalize(const SentencePieceRules& rules, std::string_view text);

}  // namespace sft
