#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sft {

// Classes of characters as the `tokenizers` package knows them (scripts/unicode_tables), so that a
// text is cut where the package cuts it, whatever Unicode version the system's libraries have.
class UnicodeTable {
 public:
  static const UnicodeTable& get();

  bool is_letter(char32_t c) const { return (class_of(c) & kLetter) != 0; }       // \p{L}
  bool is_number(char32_t c) const { return (class_of(c) & kNumber) != 0; }       // \p{N}
  bool is_space(char32_t c) const { return (class_of(c) & kSpace) != 0; }         // \s
  bool is_other(char32_t c) const { return class_of(c) == 0; }                    // none of these
  bool is_numeric(char32_t c) const { return (properties_[c] & kNumeric) != 0; }  // for Digits
  bool is_word(char32_t c) const { return (properties_[c] & kWord) != 0; }        // \w
  // Neither changed by NFC nor by what stands before or after it.
  bool is_nfc_inert(char32_t c) const { return (properties_[c] & kNfcInert) != 0; }

  // Bits of kLetter, kNumber, kSpace; 0 for all else.
  uint8_t class_of(char32_t c) const { return kClasses[properties_[c] & kCategoryMask]; }
  static constexpr uint8_t kLetter = 1;
  static constexpr uint8_t kNumber = 2;
  static constexpr uint8_t kSpace = 4;

  struct Range {
    char32_t first, last;
  };
  // The characters of a general category ("Lu") or of a group of them ("L"); none for an unknown
  // name.
  std::vector<Range> category_ranges(std::string_view name) const;

 private:
  UnicodeTable();

  static constexpr uint8_t kCategoryMask = 0x1F;
  static constexpr uint8_t kNumeric = 0x20;
  static constexpr uint8_t kWord = 0x40;
  static constexpr uint8_t kNfcInert = 0x80;
  // By index of the general category (see kCategoryNames): Lu Ll Lt Lm Lo 1-5, Nd Nl No 9-11,
  // Zs Zl Zp 23-25, and kControlSpace.
  static constexpr uint8_t kClasses[32] = {0, 1, 1, 1, 1, 1, 0, 0, 0, 2, 2, 2, 0, 0, 0, 0,
                                           0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 0, 0, 0, 0, 0, 4};

  std::vector<uint8_t> properties_;  // by code point
};

// Canonical combining class; 0 for a starter.
uint8_t combining_class(char32_t c);
// The full canonical decomposition; empty where `c` has none. Not for Hangul syllables.
std::span<const uint32_t> canonical_decomposition(char32_t c);
// The full compatibility decomposition where it is another than the canonical one; else empty.
std::span<const uint32_t> compatibility_decomposition(char32_t c);
// The characters that `c` is in lower case; empty where it stays as it is.
std::span<const uint32_t> lower_case_of(char32_t c);
// For the Punctuation pre-tokenizer.
bool is_punctuation(char32_t c);
// The primary composite of two characters, 0 where there is none. Not for Hangul.
char32_t canonical_composition(char32_t first, char32_t second);

}  // namespace sft
