#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace sft {

// Where the word that begins at `begin` of `text` (valid UTF-8) ends; `begin` < text.size(). Every
// byte is in a word.
using FindWordEnd = size_t (*)(std::string_view text, size_t begin);

// The regular expressions by which published byte-level tokenizers cut words, each with a scanner
// that gives the same words in one pass: linear in the length of any text.
struct WordPattern {
  std::string_view regex;
  FindWordEnd find_word_end;
};
std::span<const WordPattern> word_patterns();

enum class WordStyle { kGpt2, kQwen2, kLlama3 };
// The regular expression that published tokenizers of a style have.
std::string_view word_regex(WordStyle style);

// GPT-2's pattern, which the ByteLevel pre-tokenizer has built in.
size_t find_gpt2_word_end(std::string_view text, size_t begin);

}  // namespace sft
