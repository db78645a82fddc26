#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/offset_map.h"

namespace sft {

// A sentencepiece model's precompiled normalisation: which strings become which. The form is
//     trie_bytes: uint32, little-endian
//     trie: trie_bytes / 4 units of a double-array trie (Darts-clone's), by the strings' bytes
//     texts: what they become, each ended by a zero byte; the trie's values are offsets into these
class Charsmap {
 public:
  // Throws Error where the form is broken: whatever the bytes, look-ups stay inside.
  Charsmap(std::string_view bytes, const std::string& where);
  static Charsmap from_base64(std::string_view base64, const std::string& where);

  // Throws Error where a look-up that trusts the trie would leave it, which this class's own do
  // not: for the sentencepiece library.
  void check() const;

  // As the `tokenizers` package's Precompiled has it: a grapheme of less than six bytes as a whole
  // becomes what the shortest string at its beginning becomes, else each of its characters.
  std::optional<EditedText> normalize_graphemes(std::string_view text) const;

  struct Found {
    std::string_view text;
    size_t size;  // of the string that becomes it
  };
  // What the longest string that `text` begins with becomes, as sentencepiece has it.
  std::optional<Found> find_longest(std::string_view text) const;

 private:
  class Checker;
  enum class Wanted { kShortest, kLongest };
  std::optional<Found> find(std::string_view text, Wanted wanted) const;

  std::vector<uint32_t> units_;
  std::string texts_;
  std::string where_;
};

}  // namespace sft
