#include "text/word_patterns.h"

#include "text/unicode.h"
#include "text/utf8.h"

#include "sft/core/error.h"

namespace sft {
namespace {

// Reads a text character by character, by class.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text), table_(UnicodeTable::get()) {}

  bool is_end(size_t offset) const { return offset >= text_.size(); }
  // The byte at `offset`, 0 behind the end.
  char byte(size_t offset) const { return is_end(offset) ? '\0' : text_[offset]; }
  uint8_t class_at(size_t offset) const {
    return table_.class_of(decode_char(text_, offset).code_point);
  }
  size_t next(size_t offset) const { return offset + decode_char(text_, offset).size; }

  // Where the run of characters of one class (0: none of the others) that begins at `offset` ends;
  // at most `limit` characters.
  size_t run_end(size_t offset, uint8_t wanted, size_t limit = SIZE_MAX) const {
    for (size_t n = 0; n < limit && !is_end(offset); ++n) {
      const DecodedChar c = decode_char(text_, offset);
      if (table_.class_of(c.code_point) != wanted) {
        break;
      }
      offset += c.size;
    }
    return offset;
  }

  size_t newlines_end(size_t offset) const {
    while (byte(offset) == '\r' || byte(offset) == '\n') {
      ++offset;
    }
    return offset;
  }

 private:
  std::string_view text_;
  const UnicodeTable& table_;
};

constexpr uint8_t kOther = 0;
constexpr uint8_t kLetter = UnicodeTable::kLetter;
constexpr uint8_t kNumber = UnicodeTable::kNumber;
constexpr uint8_t kSpace = UnicodeTable::kSpace;

enum class Case { kSensitive, kFolded };

// Behind 's 't 'm 'd 're 've 'll at `begin`, where an apostrophe is; `begin` where none is there.
size_t contraction_end(const Scanner& scanner, size_t begin, Case letter_case) {
  const auto letter = [&](size_t offset) {
    const char c = scanner.byte(offset);
    const bool is_upper = c >= 'A' && c <= 'Z';
    return is_upper && letter_case == Case::kFolded ? static_cast<char>(c - 'A' + 'a') : c;
  };
  const char first = letter(begin + 1);
  const char second = letter(begin + 2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') {
    return begin + 2;
  }
  if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e') ||
      (first == 'l' && second == 'l')) {
    return begin + 3;
  }
  // The long s (U+017F) folds to s.
  if (letter_case == Case::kFolded && first == '\xC5' && second == '\xBF') {
    return begin + 3;
  }
  return begin;
}

// \s+(?!\S)|\s+: white space but for its last character, which goes to the word behind it.
size_t space_end(const Scanner& scanner, std::string_view text, size_t begin) {
  const size_t end = scanner.run_end(begin, kSpace);
  if (scanner.is_end(end)) {
    return end;
  }
  const size_t last = previous_char(text, end);
  return last > begin ? last : end;
}

// What Qwen's and Llama 3's patterns have in common:
// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,max_digits}|
//  ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
size_t find_chat_word_end(std::string_view text, size_t begin, size_t max_digits) {
  const Scanner scanner(text);
  const char byte = text[begin];
  if (byte == '\'') {
    if (const size_t end = contraction_end(scanner, begin, Case::kFolded); end != begin) {
      return end;
    }
  }
  const uint8_t first = scanner.class_at(begin);
  if (first == kLetter) {
    return scanner.run_end(begin, kLetter);
  }
  if (first == kNumber) {
    return scanner.run_end(begin, kNumber, max_digits);
  }
  const size_t second = scanner.next(begin);
  const bool is_newline = byte == '\r' || byte == '\n';
  if (!is_newline && !scanner.is_end(second) && scanner.class_at(second) == kLetter) {
    return scanner.run_end(second, kLetter);
  }
  const size_t others = byte == ' ' ? second : begin;
  if (const size_t end = scanner.run_end(others, kOther); end != others) {
    return scanner.newlines_end(end);
  }
  const size_t end = scanner.run_end(begin, kSpace);
  const size_t newline = text.substr(begin, end - begin).find_last_of("\r\n");
  if (newline != std::string_view::npos) {
    return begin + newline + 1;
  }
  return space_end(scanner, text, begin);
}

size_t find_qwen2_word_end(std::string_view text, size_t begin) {
  return find_chat_word_end(text, begin, /*max_digits=*/1);
}

size_t find_llama3_word_end(std::string_view text, size_t begin) {
  return find_chat_word_end(text, begin, /*max_digits=*/3);
}

constexpr std::string_view kGpt2Regex =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2Regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|)"
    R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3Regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|)"
    R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr WordPattern kWordPatterns[] = {
    {kGpt2Regex, find_gpt2_word_end},
    {kQwen2Regex, find_qwen2_word_end},
    {kLlama3Regex, find_llama3_word_end},
    // tiktoken's way to write the first and the last.
    {R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
     find_gpt2_word_end},
    {R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}|)"
     R"( ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)",
     find_llama3_word_end},
};

}  // namespace

std::span<const WordPattern> word_patterns() {
  return kWordPatterns;
}

std::string_view word_regex(WordStyle style) {
  switch (style) {
    case WordStyle::kGpt2:
      return kGpt2Regex;
    case WordStyle::kQwen2:
      return kQwen2Regex;
    case WordStyle::kLlama3:
      return kLlama3Regex;
  }
  SFT_CHECK(false);
}

size_t find_gpt2_word_end(std::string_view text, size_t begin) {
  const Scanner scanner(text);
  if (text[begin] == '\'') {
    if (const size_t end = contraction_end(scanner, begin, Case::kSensitive); end != begin) {
      return end;
    }
  }
  const size_t second = text[begin] == ' ' ? begin + 1 : begin;
  if (!scanner.is_end(second)) {
    if (const uint8_t first = scanner.class_at(second); first != kSpace) {
      return scanner.run_end(second, first);
    }
  }
  return space_end(scanner, text, begin);
}

}  // namespace sft
